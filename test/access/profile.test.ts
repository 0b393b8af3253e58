// What suits a source: how long its regions are, and what a plan may do.
import t from 'tap';
import { BYTES_PER_TABLE_BYTE } from '../../lib/access/page-table-budget.ts';
import { accessProfile } from '../../lib/access/profile.ts';
import { CALL_COSTS } from '../../lib/access/read-plan.ts';
import type { AccessPolicy } from '../../lib/access/slots.ts';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { makeExtents } from '../../lib/formats/extents.ts';
import { makeReadPlan } from '../../lib/pipeline/read-planner.ts';
import { FakeSource } from './fake-source.ts';

const PAGE = 4096;
const MIB = 1 << 20;
const GIB = 1 << 30;
/** What the page tables of a mapped GiB take, in bytes. */
const TABLES_OF_GIB = GIB / BYTES_PER_TABLE_BYTE;

/** As /proc/vmcore is: a map fills page tables. */
class EagerSource extends FakeSource {
  override readonly mapping = 'eager';
}

/** The plan for the fewest calls for all pages of `bytes`, on a source whose page tables may take `pageTableBudget`. */
function fewestCalls(bytes: number, pageTableBudget: number) {
  const source = new EagerSource(bytes, () => 0);
  const limits = accessProfile(source, { pageTableBudget }).limits('calls', 1);
  const bitmap = new PageBitmap(bytes / PAGE);
  bitmap.set(0, bytes / PAGE);
  const extents = makeExtents([{ start: 0, end: bytes, offset: 0 }]);
  return makeReadPlan(bitmap, { extents, pageSize: PAGE, costs: CALL_COSTS, limits }, 'calls');
}

t.test('the whole file is one map where the page-table budget allows it', async (t) => {
  const { extents, predicted } = fewestCalls(GIB, 2 * TABLES_OF_GIB);
  t.equal(extents.length, 1);
  t.match(predicted, { maps: 1, unmaps: 1, preads: 0, mapBytes: GIB });
});

t.test('and as few as fit where it does not', async (t) => {
  const { predicted } = fewestCalls(2 * GIB, TABLES_OF_GIB);
  // The regions in slots take their share of it.
  t.match(predicted, { maps: 4, unmaps: 4, preads: 0, mappedHighWater: GIB / 2 });
});

t.test('maps for the shortest time are short, and make no more calls than all of them', async (t) => {
  const { limits } = accessProfile(new EagerSource(GIB, () => 0), { pageTableBudget: TABLES_OF_GIB });
  const [time, calls] = [limits('time', 1), limits('calls', 1)];
  t.match(time, { map: 32 * MIB, pread: MIB, callsPerGiB: 64 });
  t.ok(calls.map >= 512 * MIB);
});

t.test('policies allow one way only', async (t) => {
  const source = new FakeSource(GIB, () => 0);
  t.match(accessProfile(source, { access: 'mmap' }).limits('time', 1), { map: 32 * MIB, pread: 0 });
  t.match(accessProfile(source, { access: 'read' }).limits('time', 1), {
    map: 0,
    pread: 12 * MIB,
    callsPerGiB: undefined,
  });
});

t.test('struct pages of a file are read, unless it shall be mapped', async (t) => {
  const structPages = (source: FakeSource, access?: AccessPolicy) =>
    accessProfile(source, { access }).structPages;
  const file = new FakeSource(GIB, () => 0);
  const vmcore = new EagerSource(GIB, () => 0);
  t.match(structPages(file), { policy: 'read', slots: 1, readBytes: MIB });
  t.match(structPages(file, 'mmap'), { policy: 'mmap', regionBytes: 16 * MIB });
  t.match(structPages(vmcore), { policy: 'auto', regionBytes: 16 * MIB });
});

t.test('all of a file can be read with fewer than 250 calls for 2 GiB', async (t) => {
  const limits = accessProfile(new FakeSource(2 * GIB, () => 0), {}).limits('time', 1);
  const bitmap = new PageBitmap((2 * GIB) / PAGE);
  bitmap.set(0, bitmap.pages);
  const extents = makeExtents([{ start: 0, end: 2 * GIB, offset: 0 }]);
  // A page is dearer in a mapping.
  const costs = { mapCall: 6000, mapPage: 0, touchPage: 2400, readCall: 700, readPage: 500 };
  const { predicted } = makeReadPlan(bitmap, { extents, pageSize: PAGE, costs, limits }, 'time');
  t.match(predicted, { maps: 0, preadBytes: 2 * GIB });
  t.ok(predicted.preads < 250, `${predicted.preads} preads`);
});
