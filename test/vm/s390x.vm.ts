// An s390x machine that crashes: the library on the real /proc/vmcore of a big-endian machine, beside makedumpfile.
import t, { type Test } from 'tap';
import { oracle } from '../support/oracles.ts';
import { checkPages } from './dump-pages.ts';
import { checkLog } from './kernel-log.ts';
import { accessTable, callsOf, crash, type Remains } from './remains.ts';

t.setTimeout(7_200_000);

/** VmHWM, in bytes. */
const MOST_RESIDENT = 110 << 20;

function checkWay(t: Test, remains: Remains, level: number, way: string): void {
  const { report, plan, planned, counters, tables, peak, same, machine } = remains.dump(level, way);
  t.comment(`${machine.accel}: VmPTE ${JSON.stringify(tables)}, VmHWM ${peak >> 20} MiB`);
  t.equal(report.complete, true);
  t.equal(same, true, 'the bytes are those of the other policy');
  const { maps, unmaps, preads, mapBytes, preadBytes } = report.phases.find(
    ({ phase }) => phase === 'write',
  )!.calls;
  t.match(plan, { maps, unmaps, preads, mapBytes, preadBytes }, 'calls are those of the plan');
  t.equal(counters.mapErrors, planned.mapErrors, 'no map failed');
  t.ok(peak <= MOST_RESIDENT, `${peak >> 20} MiB resident, of the 256 that the capture kernel gets`);
  if (way === 'read') t.equal(counters.maps, 0);
}

t.test('s390x', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const remains = await crash(t, 's390x', 's390x.sh');
  for (const level of [0, 31]) {
    await t.test(`the pages at level ${level}`, (t) => checkPages(t, remains, level));
    for (const way of ['mmap', 'read'])
      t.test(`level ${level}, ${way}`, async (t) => checkWay(t, remains, level, way));
  }
  t.test('pages of a mapping that its file has lost are zeros, and told', async (t) => {
    t.same(JSON.parse(remains.text('lost.json')), { data: 4096, faulted: true });
  });
  t.test('the log', (t) => checkLog(t, remains));
  t.test('calls', async (t) => {
    const { rows } = remains.access;
    t.comment(accessTable(rows));
    for (const level of [0, 31])
      for (const way of ['mmap', 'read'])
        t.ok(
          callsOf(rows, 'vmcore', level, way) < callsOf(rows, 'makedumpfile', level, way),
          `fewer than makedumpfile makes at level ${level} by ${way}`,
        );
  });
});
