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

/** The system calls that a program makes, as strace -f -y prints them. */
function traceCalls(
  program: string,
  args: readonly string[],
  log: string,
): { stdout: string; calls: Call[] } {
  const strace = ['-f', '-y', '-e', 'trace=mmap,munmap,pread64', '-o', log];
  const { stdout, stderr, status } = spawnSync(
    'strace',
    [...strace, process.execPath, programPath(program), ...args],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`strace failed: ${stderr}`);
  const calls = [...readFileSync(log, 'utf8').matchAll(/(\w+)\((.*)\)\s+= (.+)$/gm)];
  return {
    stdout,
    calls: calls.map(([, name, args, result]) => ({ name: name!, args: args!, result: result! })),
  };
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
  // What is left is unmapped when the process ends, after the counters were printed.
  const left = 3 * PAGE;
  const { unmaps, unmapBytes, mapped, ...others } = countersFrom(calls, file);
  t.match(counters.file, others);
  t.equal(counters.file.mapped, left);
  t.same(
    { unmaps, unmapBytes, mapped },
    { unmaps: 7, unmapBytes: counters.file.unmapBytes! + left, mapped: 0 },
  );

  const { preads, preadErrors } = countersFrom(calls, folder);
  t.match(counters.directory, { preads: 1, preadErrors: 1 });
  t.same({ preads, preadErrors }, { preads: 1, preadErrors: 1 });
});
