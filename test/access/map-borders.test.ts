// /proc/vmcore is made of one object for each program header: a map of it stays within one of them.
import t from 'tap';
import { mapBorders } from '../../lib/access/map-borders.ts';
import { accessProfile } from '../../lib/access/profile.ts';
import { CALL_COSTS } from '../../lib/access/read-plan.ts';
import { Slots } from '../../lib/access/slots.ts';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { makeExtents } from '../../lib/formats/extents.ts';
import { PhysicalMemory } from '../../lib/memory/physical.ts';
import { PageReader } from '../../lib/pipeline/page-reader.ts';
import { planPages } from '../../lib/pipeline/read-planner.ts';
import { PAGE, patternAt } from '../native/support.ts';
import { pagesOf } from '../pipeline/pages-of.ts';
import { FakeSource } from './fake-source.ts';

/** As /proc/vmcore is. */
class EagerSource extends FakeSource {
  override readonly mapping = 'eager';
}

/** Headers of two pages, then memory in three objects: the second one follows the first, in memory too. */
const objects = [
  { offset: 2 * PAGE, fileSize: 5 * PAGE, paddr: 0 },
  { offset: 7 * PAGE, fileSize: 30 * PAGE, paddr: 5 * PAGE },
  { offset: 37 * PAGE, fileSize: 3 * PAGE, paddr: 64 * PAGE },
];
const extents = makeExtents(
  objects.map(({ offset, fileSize, paddr }) => ({ start: paddr, end: paddr + fileSize, offset })),
);
const expected = [0, 2, 7, 37, 40].map((page) => page * PAGE);

function open() {
  const source = new EagerSource(40 * PAGE, patternAt);
  const borders = mapBorders(source, objects);
  return { source, borders, profile: accessProfile(source, { access: 'mmap' }, borders) };
}

/** The ranges that were mapped, and those among them that go across a border. */
function mapsOf(source: FakeSource) {
  const maps = source.calls
    .map((call) => /^map (\d+)\+(\d+)$/.exec(call))
    .filter((match) => match !== null)
    .map((match) => ({ start: Number(match[1]), end: Number(match[1]) + Number(match[2]) }));
  return {
    count: maps.length,
    across: maps.filter(({ start, end }) => expected.some((border) => border > start && border < end)),
  };
}

t.test('borders are where objects begin and end; a file has none', async (t) => {
  t.same([...open().borders!], expected.slice(1));
  t.equal(mapBorders(new FakeSource(40 * PAGE, patternAt), objects), undefined);
});

t.test('a region in a slot ends at a border, on either side', async (t) => {
  const { source, profile } = open();
  const slots = new Slots(source, profile.memory);
  for (let page = 0; page < 40; page++) {
    const into = new Uint8Array(PAGE);
    slots.read(page * PAGE, into);
    t.equal(into[100], patternAt(page * PAGE + 100));
  }
  t.same(mapsOf(source), { count: 4, across: [] }, 'headers and three objects are mapped once');
});

t.test('a read over a border is put together', async (t) => {
  const { source, profile } = open();
  const slots = new Slots(source, profile.memory);
  const into = new Uint8Array(40 * PAGE);
  slots.read(0, into);
  t.ok(into.every((byte, i) => byte === patternAt(i)));
  t.same(mapsOf(source).across, []);
});

t.test('planned maps end at borders, also where memory goes on behind them', async (t) => {
  const { source, profile } = open();
  const planner = { extents, pageSize: PAGE, costs: CALL_COSTS, limits: profile.limits('calls', 1) };
  const reader = new PageReader({ source, ...planner });
  const bitmap = new PageBitmap(67);
  bitmap.set(0, 35);
  bitmap.set(64, 67);
  let pages = 0;
  for (const piece of reader.pieces(planPages(bitmap, planner))) pages += [...pagesOf(piece, PAGE)].length;
  t.equal(pages, 38);
  t.same(mapsOf(source), { count: 3, across: [] });
});

t.test('memory is lent without a copy within an object, and copied over a border', async (t) => {
  const { source, profile } = open();
  const memory = new PhysicalMemory(source, extents, true, profile.memory);
  for (const page of [0, 3, 4, 5, 34, 64]) {
    const first = memory.withWindow(page * PAGE, PAGE, (bytes) => bytes[0]);
    t.equal(first, patternAt(((page < 35 ? 2 : -27) + page) * PAGE));
  }
  t.equal(
    memory.withWindow(4 * PAGE, 2 * PAGE, (bytes) => bytes[PAGE]),
    patternAt(7 * PAGE),
  );
  t.same(mapsOf(source).across, []);
});
