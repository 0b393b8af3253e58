// Whatever the segments, the pages and the costs: every wanted page comes once, right, within the limits, by the calls
// that the plan predicted.
import fc from 'fast-check';
import t from 'tap';
import { CALL_COSTS, type ReadCosts, type ReadLimits } from '../../lib/access/read-plan.ts';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { makeExtents } from '../../lib/formats/extents.ts';
import { splitJobs } from '../../lib/pipeline/copy-job.ts';
import { packJob, unpackJob } from '../../lib/pipeline/job-message.ts';
import { PageReader } from '../../lib/pipeline/page-reader.ts';
import {
  makeReadPlan,
  type PlannedRead,
  type PlannerOptions,
  type PredictedCalls,
  planPages,
} from '../../lib/pipeline/read-planner.ts';
import { ObservedSource } from './observed-source.ts';
import { pagesOf } from './pages-of.ts';
import { file, PAGE, type ScatteredMemory, scatteredMemory } from './scattered-memory.ts';

const cost = fc.integer({ min: 0, max: 5000 });
const costsOf: fc.Arbitrary<ReadCosts> = fc.oneof(
  fc.record({ mapCall: cost, mapPage: cost, touchPage: cost, readCall: cost, readPage: cost }),
  fc.constant(CALL_COSTS),
  fc.constant({ mapCall: 0, mapPage: 0, touchPage: 0, readCall: 1000, readPage: 1000 }),
  fc.constant({ mapCall: 1000, mapPage: 1000, touchPage: 0, readCall: 0, readPage: 0 }),
);

/** The largest page of a host (arm64). */
const LARGE_HOST_PAGE = 16 * PAGE;

const pages = (min: number) => fc.integer({ min, max: 40 }).map((count) => count * PAGE);
/** A policy allows one way or both. */
const limitsOf: fc.Arbitrary<ReadLimits> = fc
  .tuple(
    fc.oneof(
      fc.record({ map: pages(1), pread: pages(1) }),
      fc.record({ map: pages(1), pread: fc.constant(0) }),
      fc.record({ map: fc.constant(0), pread: pages(1) }),
      fc.constant({ map: 2 ** 30, pread: 2 ** 20 }),
    ),
    fc.boolean(),
    fc.constantFrom(undefined, PAGE, LARGE_HOST_PAGE),
  )
  .map(([ways, wantedOnly, hostPage]) => ({ ...ways, wantedOnly, hostPage }));

function plannerFor({ extents }: ScatteredMemory, costs: ReadCosts, limits: ReadLimits): PlannerOptions {
  return { extents, pageSize: PAGE, costs, limits };
}

/** The file, on a host with such pages. */
function sourceFor({ hostPage }: ReadLimits, canMap = true): ObservedSource {
  return new ObservedSource(file, canMap, hostPage);
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function same(a: unknown, b: unknown, what: string): void {
  check(JSON.stringify(a) === JSON.stringify(b), `${what}: ${JSON.stringify(a)}, not ${JSON.stringify(b)}`);
}

/** Reads all pages as planned, comparing each, and returns their pfns. */
function readAll(source: ObservedSource, planner: PlannerOptions, memory: ScatteredMemory): number[] {
  const pfns: number[] = [];
  const reader = new PageReader({ source, ...planner });
  for (const piece of reader.pieces(planPages(memory.wanted, planner))) {
    for (const { pfn, page } of pagesOf(piece, PAGE)) {
      check(Buffer.compare(page, memory.page(pfn)) === 0, `bytes of page ${pfn}`);
      pfns.push(pfn);
    }
  }
  return pfns;
}

function wantedPfns({ wanted }: ScatteredMemory): number[] {
  return Array.from({ length: wanted.pages }, (_, pfn) => pfn).filter((pfn) => wanted.has(pfn));
}

function counted(source: ObservedSource) {
  const { maps, mapBytes, unmaps, preads, preadBytes, mappedHighWater } = source.counters();
  return { maps, mapBytes, unmaps, preads, preadBytes, mappedHighWater };
}

function callsOf({ cost: _, ...calls }: PredictedCalls) {
  return calls;
}

t.test('every wanted page is delivered once, in ascending order, with its bytes', async () => {
  fc.assert(
    fc.property(scatteredMemory, costsOf, limitsOf, (memory, costs, limits) => {
      const source = sourceFor(limits);
      const planner = plannerFor(memory, costs, limits);
      same(readAll(source, planner, memory), wantedPfns(memory), 'pages');
      same(source.counters().mapped, 0, 'bytes that stay mapped');
    }),
    { numRuns: 200 },
  );
});

t.test('no map and no pread is longer than its limit, and one region is mapped at a time', async () => {
  fc.assert(
    fc.property(scatteredMemory, costsOf, limitsOf, (memory, costs, limits) => {
      const source = sourceFor(limits);
      readAll(source, plannerFor(memory, costs, limits), memory);
      const { mappedHighWater } = source.counters();
      // Runs need not be aligned in the file as maps are: then a map that holds any page of the host has two.
      const grid = limits.hostPage ?? PAGE;
      const allowed = Math.max(2 * grid, Math.ceil(limits.map / grid) * grid);
      check(mappedHighWater <= allowed, `${mappedHighWater} bytes were mapped, ${limits.map} are allowed`);
      // A page that lies in pieces is read whatever the policy.
      const longest = Math.max(0, ...source.readLengths);
      check(longest <= Math.max(limits.pread, PAGE), `${longest} bytes were read at once`);
    }),
    { numRuns: 200 },
  );
});

t.test('the calls are those that were predicted', async () => {
  fc.assert(
    fc.property(scatteredMemory, costsOf, limitsOf, (memory, costs, limits) => {
      const source = sourceFor(limits);
      const planner = plannerFor(memory, costs, limits);
      readAll(source, planner, memory);
      const { predicted } = makeReadPlan(memory.wanted, planner, 'time');
      same(callsOf(predicted), counted(source), 'predicted by the plan');
    }),
    { numRuns: 200 },
  );
});

t.test('where only wanted pages may be read no other one is, also when nothing can be mapped', async () => {
  fc.assert(
    fc.property(scatteredMemory, costsOf, limitsOf, fc.boolean(), (memory, costs, ways, canMap) => {
      const source = sourceFor(ways, canMap);
      readAll(source, plannerFor(memory, costs, { ...ways, wantedOnly: true }), memory);
      const wanted = wantedPfns(memory).length * PAGE;
      const { preadBytes } = source.counters();
      check(preadBytes <= wanted, `${preadBytes} bytes were read, ${wanted} are wanted`);
    }),
    { numRuns: 300 },
  );
});

t.test('a page that is larger than the limits is read all the same', async (t) => {
  const pageSize = 4 * PAGE;
  const extents = makeExtents([{ start: 0, end: 16 * pageSize, offset: 0 }]);
  // Two groups that are planned one after another.
  const pages = [0, 2, 4, 6, 8, 12, 14];
  const wanted = new PageBitmap(16);
  for (const pfn of pages) wanted.set(pfn, pfn + 1);
  for (const limits of [
    { map: PAGE, pread: 0 },
    { map: 0, pread: PAGE },
    { map: 0, pread: 2 * PAGE, shortPread: PAGE },
  ]) {
    const planner = { extents, pageSize, costs: CALL_COSTS, limits };
    const reader = new PageReader({ source: new ObservedSource(file), ...planner });
    const pieces = [...reader.pieces(planPages(wanted, planner))];
    const read = pieces.flatMap((piece) => [...pagesOf(piece, pageSize)].map(({ pfn }) => pfn));
    t.strictSame(read, pages, JSON.stringify(limits));
  }
});

t.test('jobs have the reads of the plan in its order, also when they were sent as numbers', async () => {
  fc.assert(
    fc.property(scatteredMemory, costsOf, limitsOf, (memory, costs, limits) => {
      const planner = plannerFor(memory, costs, limits);
      const reads = [...planPages(memory.wanted, planner)];
      const sent = [...splitJobs(reads, PAGE)].map((job) => unpackJob(packJob(job), PAGE));
      const facts = ({ runs, method, start, end }: PlannedRead) => [runs, method, start, end];
      same(sent.flat().map(facts), reads.map(facts), 'reads');
    }),
    { numRuns: 200 },
  );
});

t.test('the same costs give the same plan, which names every wanted page that has data', async () => {
  fc.assert(
    fc.property(scatteredMemory, costsOf, limitsOf, (memory, costs, limits) => {
      const planner = plannerFor(memory, costs, limits);
      const plan = makeReadPlan(memory.wanted, planner, 'time');
      same(makeReadPlan(memory.wanted, planner, 'time'), plan, 'a second plan');
      const { start, end, offset, count } = memory.extents;
      const hasData = (pfn: number) =>
        Array.from({ length: count }, (_, i) => i).some(
          (i) => offset[i]! >= 0 && start[i]! < (pfn + 1) * PAGE && end[i]! > pfn * PAGE,
        );
      const planned = plan.extents.reduce((sum, extent) => sum + extent.pages, 0);
      same(planned, wantedPfns(memory).filter(hasData).length, 'pages of the plan');
    }),
    { numRuns: 200 },
  );
});

t.test('a plan for few calls never makes more of them than a plan for little time', async () => {
  fc.assert(
    fc.property(scatteredMemory, costsOf, limitsOf, (memory, costs, limits) => {
      const calls = (own: ReadCosts) => {
        const { maps, unmaps, preads } = makeReadPlan(
          memory.wanted,
          plannerFor(memory, own, limits),
          'time',
        ).predicted;
        return maps + unmaps + preads;
      };
      check(calls(CALL_COSTS) <= calls(costs), `${calls(CALL_COSTS)} calls, ${calls(costs)} by time`);
    }),
    { numRuns: 300 },
  );
});

t.test('nothing stays mapped when reading ends early, by a break or an error', async () => {
  fc.assert(
    fc.property(scatteredMemory, limitsOf, fc.nat(20), fc.boolean(), (memory, limits, limit, byError) => {
      const source = sourceFor(limits);
      const planner = plannerFor(memory, CALL_COSTS, limits);
      const reader = new PageReader({ source, ...planner });
      let pieces = 0;
      try {
        for (const _ of reader.pieces(planPages(memory.wanted, planner))) {
          if (pieces++ < limit) continue;
          if (byError) throw new Error('enough');
          break;
        }
      } catch {}
      same(source.counters().mapped, 0, 'bytes that stay mapped');
    }),
    { numRuns: 200 },
  );
});
