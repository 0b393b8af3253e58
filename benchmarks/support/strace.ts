/** Calls on one file, as `strace -f -y` saw them. */
export interface TracedCalls {
  readonly maps: number;
  readonly mapErrors: number;
  /** Unmaps of addresses that those maps returned. */
  readonly unmaps: number;
  /** read, pread64, readv and preadv. */
  readonly reads: number;
  readonly readErrors: number;
}

/** What strace has to trace. */
export const TRACED = 'mmap,munmap,read,pread64,readv,preadv,preadv2';

/**
 * Counts the calls on the file at `path` in the output of `strace -f -y -e trace=...`: maps and reads of its
 * descriptors, and unmaps of what its maps returned. What a program does when it starts is not among them.
 */
export function countCalls(trace: Iterable<string>, path: string): TracedCalls {
  const calls = { maps: 0, mapErrors: 0, unmaps: 0, reads: 0, readErrors: 0 };
  const live = new Set<string>();
  for (const { name, args, result } of parseCalls(trace)) {
    const failed = result.startsWith('-1');
    if (name === 'munmap') {
      if (live.delete(args.slice(0, args.indexOf(',')))) calls.unmaps++;
    } else if (name === 'mmap') {
      if (!args.includes(`<${path}>`)) continue;
      calls.maps++;
      if (failed) calls.mapErrors++;
      else live.add(/^0x[0-9a-f]+/.exec(result)?.[0] ?? result);
    } else if (args.startsWith(`${Number.parseInt(args, 10)}<${path}>`)) {
      calls.reads++;
      if (failed) calls.readErrors++;
    }
  }
  return calls;
}

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: string;
}

/** A call is in two lines when another thread's comes between its begin and its end. */
function* parseCalls(trace: Iterable<string>): Generator<Call> {
  const begun = new Map<string, string>();
  for (const line of trace) {
    const [, thread, text] = /^(\d*)\s*(.*)$/.exec(line)!;
    const unfinished = / ?<unfinished \.\.\.>$/.exec(text!);
    if (unfinished) {
      begun.set(thread!, text!.slice(0, unfinished.index));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>\s*/.exec(text!);
    const whole = resumed ? `${begun.get(thread!) ?? ''}${text!.slice(resumed[0].length)}` : text!;
    const call = /^(\w+)\((.*)\)\s+= (.+)$/.exec(whole);
    if (call) yield { name: call[1]!, args: call[2]!, result: call[3]! };
  }
}
