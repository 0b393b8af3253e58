// Dumps a core, and prints the calls on it that were counted and those that failed.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { openVmcore } from '../../../lib/index.ts';
import type { CountedDump, DumpedCore } from '../counted-dump.ts';

const {
  core: path,
  output,
  level,
  headroom,
  workers,
  strict,
  ...options
} = JSON.parse(process.argv[2]!) as CountedDump;
if (headroom !== undefined) limitAddressSpace(usedAddressSpace() + headroom);
const core = await openVmcore(path, options);
const { mapFailures, bytes, unreadable, unreadablePages } = await core.dump(output, {
  level,
  compression: 'none',
  force: true,
  workers,
  strict,
});
await core.close();
const result: DumpedCore = {
  calls: core.counters,
  mapFailures,
  bytes,
  unreadable: unreadable.map(({ pfn, error }) => [pfn, error.code]),
  unreadablePages,
};
process.stdout.write(JSON.stringify(result));

function usedAddressSpace(): number {
  const [pages] = readFileSync('/proc/self/statm', 'latin1').split(' ');
  return Number(pages) * 4096;
}

function limitAddressSpace(bytes: number): void {
  execFileSync('prlimit', [`--as=${bytes}`, '--pid', String(process.pid)]);
}
