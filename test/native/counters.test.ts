import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { countersOf } from './support.ts';
import { needs, PAGE, patternFile, programPath, SANITIZED } from './support.ts';

type Counters = ReturnType<typeof countersOf>;

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: string;
}

/** The system calls that a program makes until it kills itself, as strace -f -y prints them. */
function traceCalls(
  program: string,
  args: readonly string[],
  log: string,
): { stdout: string; calls: Call[] } {
  const strace = ['-f', '-y', '-e', 'trace=mmap,munmap,pread64', '-o', log];
  const { stdout, stderr, signal } = spawnSync(
    'strace',
    [...strace, process.execPath, programPath(program), ...args],
    { encoding: 'utf8' },
  );
  if (signal !== 'SIGKILL') throw new Error(`strace failed: ${stderr}`);
  const lines = joinInterrupted(readFileSync(log, 'utf8').split('\n'));
  const calls = [...lines.join('\n').matchAll(/(\w+)\((.*)\)\s+= (.+)$/gm)];
  return {
    stdout,
    calls: calls.map(([, name, args, result]) => ({ name: name!, args: args!, result: result! })),
  };
}

/** strace prints a call in two lines when another thread comes between its begin and its end. */
function joinInterrupted(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  const joined: string[] = [];
  for (const line of lines) {
    const begin = /^(\d+) (.*) <unfinished \.\.\.>$/.exec(line);
    const end = /^(\d+) <\.\.\. \w+ resumed>(.*)$/.exec(line);
    if (begin) begun.set(begin[1]!, begin[2]!);
    else if (end) joined.push(`${begun.get(end[1]!)}${end[2]}`);
    else joined.push(line);
  }
  return joined;
}

/** The counters that follow from the calls on one file. Addresses are used again, so munmap is matched in order. */
function countersFrom(calls: readonly Call[], path: string): Partial<Counters> {
  const counted = {
    maps: 0,
    mapBytes: 0,
    mapErrors: 0,
    unmaps: 0,
    unmapBytes: 0,
    preads: 0,
    preadBytes: 0,
    preadErrors: 0,
  };
  const live = new Map<string, number>();
  let mapped = 0;
  let mappedHighWater = 0;
  for (const { name, args, result } of calls) {
    const failed = result.startsWith('-1');
    if (name === 'mmap' && args.includes(`<${path}>`)) {
      const length = Number(args.split(', ')[1]);
      counted.maps++;
      if (failed) counted.mapErrors++;
      else {
        counted.mapBytes += length;
        live.set(result, length);
        mapped += length;
        mappedHighWater = Math.max(mapped, mappedHighWater);
      }
    } else if (name === 'munmap') {
      const [address, length] = args.split(', ');
      if (live.get(address!) !== Number(length)) continue;
      live.delete(address!);
      counted.unmaps++;
      counted.unmapBytes += Number(length);
      mapped -= Number(length);
    } else if (name === 'pread64' && args.includes(`<${path}>`)) {
      counted.preads++;
      if (failed) counted.preadErrors++;
      else counted.preadBytes += Number(result);
    }
  }
  return { ...counted, mapped, mappedHighWater };
}

// The sanitizers' runtime maps files of its own through strace.
const skipped = SANITIZED ? { skip: 'not with sanitizers' } : needs('strace');

t.test('the counters are what strace counts', skipped, async (t) => {
  const folder = t.testdir();
  const file = patternFile(folder, 12 * PAGE);
  const { stdout, calls } = traceCalls('calls', [file, folder], join(folder, 'strace.log'));
  const counters = JSON.parse(stdout) as { file: Counters; directory: Counters };

  t.match(counters.file, { maps: 8, mapErrors: 1, unmaps: 5, preads: 11, mappedHighWater: 28 * PAGE });
  t.match(counters.file, { mapped: 3 * PAGE, mappedHighWater: 28 * PAGE });
  t.match(counters.file, countersFrom(calls, file));

  const { preads, preadErrors } = countersFrom(calls, folder);
  t.match(counters.directory, { preads: 1, preadErrors: 1 });
  t.same({ preads, preadErrors }, { preads: 1, preadErrors: 1 });
});
