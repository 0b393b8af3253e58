// Crashes real kernels and looks at what was done in the capture kernel, on the real /proc/vmcore: `npm run test:vm`.
import t, { type Test } from 'tap';
import { countCalls } from '../../benchmarks/support/strace.ts';
import { BYTES_PER_TABLE_BYTE } from '../../lib/access/page-table-budget.ts';
import { crashSession } from '../support/crash.ts';
import { tasks } from '../support/drgn.ts';
import { oracle } from '../support/oracles.ts';
import { type RangesRecord, ways } from './capture/records.ts';
import { checkPages } from './dump-pages.ts';
import { checkLog } from './kernel-log.ts';
import { accessTable, callsOf, crash, type Remains } from './remains.ts';

t.setTimeout(3_600_000);

const PAGE = 4096;
/** What the process itself may take and give back of page tables while it dumps, in bytes. */
const OWN_TABLES = 160 << 10;

function checkWay(t: Test, remains: Remains, level: number, way: string): void {
  const { report, plan, planned, counters, tables, peak, same, machine } = remains.dump(level, way);
  t.comment(`${machine.accel}: VmPTE ${JSON.stringify(tables)}, VmHWM ${peak >> 20} MiB`);
  t.equal(report.complete, true);
  t.equal(same, true, 'the bytes are those of the other policies');
  const write = report.phases.find(({ phase }) => phase === 'write')!;
  const { maps, unmaps, preads, mapBytes, preadBytes } = write.calls;
  const failures = Object.values(report.mapFailures).reduce((sum, count) => sum + count, 0);
  t.equal(failures, counters.mapErrors - planned.mapErrors, 'the report says which maps failed, and why');
  t.equal(report.mapFailures.EAGAIN, undefined, 'none goes over a border of segments');
  if (failures === 0)
    t.match(plan, { maps, unmaps, preads, mapBytes, preadBytes }, 'calls are those of the plan');

  const traced = countCalls(remains.text(`${level}-${way}.strace`).split('\n'), '/proc/vmcore');
  t.same(
    traced,
    {
      maps: counters.maps,
      mapErrors: counters.mapErrors,
      unmaps: counters.unmaps,
      reads: counters.preads,
      readErrors: counters.preadErrors,
    },
    'strace counts what the addon counts',
  );
  if (way === 'read') t.equal(traced.maps, 0);

  const predicted = plan.mappedHighWater / BYTES_PER_TABLE_BYTE;
  const grown = tables.most - tables.before;
  const isAsPredicted =
    failures > 0 ? grown < predicted + OWN_TABLES : Math.abs(grown - predicted) <= OWN_TABLES;
  t.ok(isAsPredicted, `page tables grew by ${grown}, predicted ${predicted}`);
  t.ok(tables.after - tables.before <= OWN_TABLES, 'and are gone afterwards');
}

function checkRanges(t: Test, remains: Remains): void {
  const ranges: RangesRecord = JSON.parse(remains.text('ranges.json'));
  t.match(ranges, { headers: PAGE, lastPageMapped: true, mapErrors: 0 });
  t.ok(ranges.notes > PAGE, 'a map over ELF headers, notes and memory');
  t.ok(
    ranges.borders.length > 0 && ranges.borders.every((bytes) => bytes === 8 * PAGE),
    'maps over the borders of segments',
  );
  t.equal(ranges.end, 4 * PAGE, 'a map over the end is clamped');
  t.equal(ranges.overTheEnd, 'EINVAL', 'the kernel would refuse it');
  t.equal(ranges.behindTheEnd, 'EINVAL');
  t.equal(ranges.overMapped, 'EAGAIN', 'and one over a border where some of the memory behind it is mapped');
}

/** The table of the calls, and that ours are fewer. */
function checkTable(t: Test, remains: Remains): void {
  const { rows } = remains.access;
  t.comment(accessTable(rows));
  for (const level of [0, 31]) {
    const ours = callsOf(rows, 'vmcore', level, 'auto');
    t.ok(ours <= 250, `${ours} calls at level ${level}`);
    t.ok(ours < callsOf(rows, 'makedumpfile', level, 'mmap'), 'fewer than makedumpfile makes');
  }
  t.ok(
    callsOf(rows, 'vmcore', 31, 'auto') <= callsOf(rows, 'vmcore', 0, 'auto'),
    'level 31 needs no more than level 0',
  );
}

async function checkTools(t: Test, remains: Remains, vmlinux: string): Promise<void> {
  const dump = remains.file('31-mmap.kdump');
  const commands = ['sys', 'ps', 'bt', 'log'];
  const [sys, ps, bt, log] = await crashSession(vmlinux, dump, commands);
  t.match(sys, /PANIC: "Kernel panic - not syncing: sysrq triggered crash"/);
  // crash 8 lists no more than the idle task and the one that crashed of such a kernel, in the full core too.
  t.match(ps, /^> .*\b(init|sh|busybox)\b/m);
  t.match(bt, /sysrq_handle_crash/);
  t.match(log, /sysrq: Trigger a crash/);
  t.equal(
    await tasks(dump, vmlinux),
    await tasks(remains.file('core.elf'), vmlinux),
    'drgn finds the same tasks',
  );
}

const names = (process.env.VMCORE_CRASHES ?? 'brief').split(' ');
for (const name of names) {
  t.test(name, async (t) => {
    if (!oracle(t, 'makedumpfile', 'crash', 'drgn', 'libkdumpfile', 'strace')) return;
    const remains = await crash(t, name, 'dumps.sh');
    for (const level of [0, 31]) {
      await t.test(`the pages at level ${level}`, (t) => checkPages(t, remains, level));
      for (const way of ways) t.test(`level ${level}, ${way}`, async (t) => checkWay(t, remains, level, way));
    }
    t.test('maps over something', async (t) => checkRanges(t, remains));
    t.test('calls', async (t) => checkTable(t, remains));
    t.test('the log', (t) => checkLog(t, remains));
    const { vmlinux } = remains;
    if (vmlinux) await t.test('crash and drgn', (t) => checkTools(t, remains, vmlinux));
  });
}
