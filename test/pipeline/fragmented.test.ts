// The calls that a fragmented core costs: kept pages far apart, where windows that follow the reader map everything for
// little. makedumpfile's -d 31 makes more calls there than its -d 0.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FileSource } from '../../lib/access/file-source.ts';
import { BYTES_PER_TABLE_BYTE, DEFAULT_PAGE_TABLE_BUDGET } from '../../lib/access/page-table-budget.ts';
import { accessProfile } from '../../lib/access/profile.ts';
import { CALL_COSTS, type ReadCosts, type ReadObjective } from '../../lib/access/read-plan.ts';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { makeExtents } from '../../lib/formats/extents.ts';
import { PageReader } from '../../lib/pipeline/page-reader.ts';
import { CallPrediction, planPages } from '../../lib/pipeline/read-planner.ts';
import { pagesOf } from './pages-of.ts';

const PAGE = 4096;
const GIB = 1 << 30;
const MIB = 1 << 20;
const PAGES_PER_MIB = MIB / PAGE;
const CALL_LIMIT = 250;
const memoryBytes = 2 * GIB;

/** 2 GiB in which each MiB begins with a page that is told apart by its number. */
function fragmentedFile(): string {
  const path = join(t.testdir(), 'fragmented');
  const fd = openSync(path, 'w');
  ftruncateSync(fd, memoryBytes);
  const number = Buffer.alloc(4);
  for (let mib = 0; mib < memoryBytes / MIB; mib++) {
    number.writeUInt32LE(mib + 1);
    writeSync(fd, number, 0, 4, mib * MIB);
  }
  closeSync(fd);
  return path;
}

const file = fragmentedFile();
const extents = makeExtents([{ start: 0, end: memoryBytes, offset: 0 }]);

/** One page of every MiB, or all of them. */
function kept(everyPage: boolean): PageBitmap {
  const pages = memoryBytes / PAGE;
  const bitmap = new PageBitmap(pages);
  if (everyPage) bitmap.set(0, pages);
  else for (let pfn = 0; pfn < pages; pfn += PAGES_PER_MIB) bitmap.set(pfn, pfn + 1);
  return bitmap;
}

/** Calls of a whole pass over the pages; what they hold is checked where only one of every MiB is read. */
function callsFor(
  source: FileSource,
  bitmap: PageBitmap,
  objective: ReadObjective,
  costs: ReadCosts,
  check: boolean,
): number {
  const limits = accessProfile(source, {}).limits(objective, 1);
  const planner = { extents, pageSize: PAGE, costs, limits };
  const prediction = new CallPrediction(planner);
  const reader = new PageReader({ source, ...planner });
  let wrong = 0;
  for (const piece of reader.pieces(prediction.watch(planPages(bitmap, planner)))) {
    for (const { pfn, page } of check ? pagesOf(piece, PAGE) : []) {
      if (new DataView(page.buffer, page.byteOffset).getUint32(0, true) !== pfn / PAGES_PER_MIB + 1) wrong++;
    }
  }
  t.equal(wrong, 0, 'every page is the one that was asked for');
  const { maps, unmaps, preads, mappedHighWater } = source.counters();
  t.match(prediction.calls, { maps, unmaps, preads }, 'as predicted');
  t.ok(mappedHighWater / BYTES_PER_TABLE_BYTE <= DEFAULT_PAGE_TABLE_BUDGET, 'page tables within the budget');
  return maps + unmaps + preads;
}

/** Reading a page costs next to nothing, so that the plan with the shortest time would read each alone. */
const CHEAP_READS: ReadCosts = { mapCall: 6000, mapPage: 195, touchPage: 0, readCall: 1, readPage: 1 };
/** The pages are dear: the plan with the shortest time would map each alone. */
const CHEAP_CALLS: ReadCosts = { mapCall: 3000, mapPage: 195, touchPage: 50, readCall: 1000, readPage: 1500 };
const plans: [string, ReadObjective, ReadCosts | undefined][] = [
  ['in the shortest time', 'time', undefined],
  ['in the shortest time where reads cost little', 'time', CHEAP_READS],
  ['by the fewest calls', 'calls', CALL_COSTS],
];

for (const [name, objective, given] of plans) {
  t.test(`one kept page in every MiB of 2 GiB, ${name}`, async (t) => {
    const counts = [false, true].map((everyPage) => {
      const source = new FileSource(file);
      const costs = given ?? accessProfile(source, {}).costs;
      const calls = callsFor(source, kept(everyPage), objective, costs, !everyPage);
      source.close();
      return calls;
    });
    const [fragmented, whole] = counts as [number, number];
    t.ok(fragmented <= CALL_LIMIT, `${fragmented} calls`);
    t.ok(fragmented <= whole, `no more than the ${whole} of all pages`);
  });
}

t.test('what a segment holds that lies elsewhere in memory pays for no other calls', async (t) => {
  // As in /proc/vmcore: the kernel's text comes first in the file, and from the middle of memory.
  const text = { start: 3 * GIB, end: 3 * GIB + 32 * MIB, offset: 0 };
  const below = { start: 0, end: 3 * GIB, offset: text.end - text.start };
  const above = { start: text.end, end: 4 * GIB, offset: below.offset + text.end };
  const pages = (4 * GIB) / PAGE;
  const options = {
    extents: makeExtents([text, below, above]),
    pageSize: PAGE,
    costs: CHEAP_CALLS,
    limits: { map: 32 * MIB, pread: 0, callsPerGiB: 64 },
  };
  const whole = new PageBitmap(pages);
  whole.set(0, pages);
  const sparse = new PageBitmap(pages);
  for (let mib = 0; mib < pages / PAGES_PER_MIB; mib++) {
    const pfn = mib * PAGES_PER_MIB + ((mib * mib * 37) % PAGES_PER_MIB);
    sparse.set(pfn, pfn + 1);
  }
  const maps = [sparse, whole].map((bitmap) => [...planPages(bitmap, options)].length);
  t.ok(maps[0]! <= maps[1]!, `${maps[0]} maps, ${maps[1]} for all pages`);
});
