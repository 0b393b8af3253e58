// Runs in the capture kernel: dump.js LEVEL WAY FILE OTHER writes one dump of /proc/vmcore, compares it with another one,
// and prints what it took as JSON.
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describeMachine } from '../../../lib/bench/index.ts';
import { openVmcore } from '../../../lib/index.ts';
import { type DumpRecord, type Way, ways } from './records.ts';

/** A line of /proc/self/status in bytes. */
function status(name: 'VmPTE' | 'VmHWM'): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line![1]) * 1024;
}

/** Whether two files have the same bytes. */
async function areEqual(one: string, other: string): Promise<boolean> {
  await using a = await open(one);
  await using b = await open(other);
  const [left, right] = [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)];
  for (;;) {
    const { bytesRead } = await a.read(left, 0, left.length, null);
    const { bytesRead: others } = await b.read(right, 0, right.length, null);
    if (bytesRead !== others || !left.subarray(0, bytesRead).equals(right.subarray(0, others))) return false;
    if (bytesRead === 0) return true;
  }
}

const [, , levelText, wayText, file, other] = process.argv;
const level = Number(levelText);
const way: Way = ways.find((name) => name === wayText) ?? 'auto';
const machine = describeMachine();

const core = await openVmcore('/proc/vmcore', { access: way });
const plan = await core.plan({ level });
const planned = core.counters;
const tables = { before: status('VmPTE'), most: 0, after: 0 };
const report = await core.dump(file!, {
  level,
  compression: level === 0 ? 'none' : 'zlib',
  onProgress({ phase }) {
    if (phase === 'write') tables.most = Math.max(tables.most, status('VmPTE'));
  },
});
await core.close();
tables.after = status('VmPTE');
const record: DumpRecord = {
  ...{ machine, way, report, plan: plan.predicted, planned, counters: core.counters, tables },
  peak: status('VmHWM'),
  same: await areEqual(file!, other!),
};
console.log(JSON.stringify(record));
