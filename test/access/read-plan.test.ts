import fc from 'fast-check';
import t from 'tap';
import {
  CALL_COSTS,
  type PlannedExtent,
  planReads,
  type ReadCosts,
  type ReadLimits,
  type WantedRanges,
} from '../../lib/access/read-plan.ts';

const PAGE = 4096;

interface Range {
  readonly start: number;
  readonly end: number;
}

function wanted(ranges: readonly Range[]): WantedRanges {
  return {
    count: ranges.length,
    start: Float64Array.from(ranges, (range) => range.start),
    end: Float64Array.from(ranges, (range) => range.end),
  };
}

/** What one group costs by each method: the definitions of ReadCosts, spelled out. Infinity beyond the limit. */
function groupCosts(group: readonly Range[], costs: ReadCosts, limits: ReadLimits) {
  const span = group.at(-1)!.end - group[0]!.start;
  const touched = group.reduce((sum, { start, end }) => sum + end - start, 0);
  const { mapCall, mapPage, touchPage, readCall, readPage } = costs;
  const map = mapCall + (span / PAGE) * mapPage + (touched / PAGE) * touchPage;
  const pread = readCall + (span / PAGE) * readPage;
  const [start, end] = [group[0]!.start, group.at(-1)!.end];
  const crosses = group.length > 1 && limits.borders?.some((border) => border > start && border < end);
  return {
    map: span <= limits.map && !crosses ? map : Number.POSITIVE_INFINITY,
    pread: span <= limits.pread && !(limits.wantedOnly && hasGaps(group)) ? pread : Number.POSITIVE_INFINITY,
  };
}

function hasGaps(group: readonly Range[]): boolean {
  return group.some(({ start }, i) => i > 0 && start !== group[i - 1]!.end);
}

/** The least cost of all ways to cut the ranges into groups: every subset of the places to cut. */
function leastCost(ranges: readonly Range[], costs: ReadCosts, limits: ReadLimits): number {
  if (ranges.length === 0) return 0;
  const ways = ranges.map((_, i) => {
    const { map, pread } = groupCosts(ranges.slice(0, i + 1), costs, limits);
    const first = Math.min(map, pread);
    return Number.isFinite(first) ? first + leastCost(ranges.slice(i + 1), costs, limits) : first;
  });
  return Math.min(...ways);
}

const close = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));

const cost = fc.integer({ min: 0, max: 5000 });
const costsOf = fc.record({ mapCall: cost, mapPage: cost, touchPage: cost, readCall: cost, readPage: cost });

/** Ranges of at most 8 pages with gaps of at most 200, some of them not on page boundaries. */
function rangesOf(maxLength: number): fc.Arbitrary<Range[]> {
  const part = fc.record({
    gap: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 200 * PAGE }),
      fc.nat(200).map((pages) => pages * PAGE),
    ),
    length: fc.oneof(
      fc.integer({ min: 1, max: 8 * PAGE }),
      fc.integer({ min: 1, max: 8 }).map((n) => n * PAGE),
    ),
  });
  return fc.tuple(fc.nat(2 ** 40), fc.array(part, { maxLength })).map(([base, parts]) => {
    let at = base;
    return parts.map(({ gap, length }) => {
      const start = at + gap;
      at = start + length;
      return { start, end: at };
    });
  });
}

/** Every range is within at least one limit, as planReads asks. */
const limitsOf = fc.oneof(
  fc.record({ map: fc.integer({ min: 8 * PAGE, max: 2000 * PAGE }), pread: fc.nat(300 * PAGE) }),
  fc.record({ map: fc.nat(300 * PAGE), pread: fc.integer({ min: 8 * PAGE, max: 2000 * PAGE }) }),
  fc.constant({ map: 0, pread: 100 * PAGE }),
  fc.constant({ map: 100 * PAGE, pread: 0 }),
);

function checkPlan(plan: PlannedExtent[], ranges: Range[], costs: ReadCosts, limits: ReadLimits): void {
  let next = 0;
  for (const { first, last, method, cost: planned } of plan) {
    if (first !== next || last <= first) throw new Error(`group ${first}-${last} does not follow ${next}`);
    const naive = groupCosts(ranges.slice(first, last), costs, limits)[method];
    if (!close(planned, naive)) throw new Error(`${method} ${first}-${last} costs ${naive}, not ${planned}`);
    next = last;
  }
  if (next !== ranges.length) throw new Error(`${ranges.length - next} ranges are in no group`);
}

/** Borders within and between ranges, and where these begin and end. */
const bordersIn = (ranges: readonly Range[], picks: readonly number[]): Float64Array =>
  Float64Array.from(
    new Set(
      ranges.length === 0 ? picks : picks.map((pick) => pickBorder(ranges[pick % ranges.length]!, pick)),
    ),
  ).sort();

function pickBorder({ start, end }: Range, pick: number): number {
  return [start, end, (start + end) / 2, start - PAGE][pick % 4]!;
}

const picksOf = fc.array(fc.nat(1000), { maxLength: 5 });

const total = (plan: PlannedExtent[]): number => plan.reduce((sum, extent) => sum + extent.cost, 0);

t.test('groups cover every range once in order, within the limits, at the cost that is said', async () => {
  fc.assert(
    fc.property(
      rangesOf(60),
      costsOf,
      limitsOf,
      picksOf,
      fc.boolean(),
      (ranges, costs, bytes, picks, wantedOnly) => {
        const limits = { ...bytes, wantedOnly, borders: bordersIn(ranges, picks) };
        checkPlan(planReads(wanted(ranges), PAGE, costs, limits), ranges, costs, limits);
      },
    ),
    { numRuns: 300 },
  );
});

t.test('no other way to group a few ranges is cheaper', async () => {
  fc.assert(
    fc.property(
      rangesOf(8),
      costsOf,
      limitsOf,
      picksOf,
      fc.boolean(),
      (ranges, costs, bytes, picks, wantedOnly) => {
        const limits = { ...bytes, wantedOnly, borders: bordersIn(ranges, picks) };
        const planned = total(planReads(wanted(ranges), PAGE, costs, limits));
        const least = leastCost(ranges, costs, limits);
        if (!close(planned, least)) throw new Error(`planned at ${planned}, possible at ${least}`);
      },
    ),
    { numRuns: 300 },
  );
});

t.test('where calls are limited there are no more of them, for the least time beside that', async () => {
  const cheapReads = { mapCall: 6000, mapPage: 195, touchPage: 50, readCall: 10, readPage: 100 };
  const callsOf = (plan: PlannedExtent[]) =>
    plan.reduce((sum, { method }) => sum + (method === 'map' ? 2 : 1), 0);
  fc.assert(
    fc.property(
      rangesOf(60),
      fc.integer({ min: 64, max: 2000 }),
      fc.nat(300),
      (ranges, mapPages, readPages) => {
        const free = { map: mapPages * PAGE, pread: readPages * PAGE };
        const callsPerGiB = (2 * 2 ** 30) / free.map;
        const span = ranges.length === 0 ? 0 : ranges.at(-1)!.end - ranges[0]!.start;
        const allowed = Math.max(2, Math.floor((span / 2 ** 30) * callsPerGiB));
        const limited = planReads(wanted(ranges), PAGE, cheapReads, { ...free, callsPerGiB });
        const unlimited = planReads(wanted(ranges), PAGE, cheapReads, free);
        checkPlan(limited, ranges, cheapReads, free);
        // Regions begin where the first wanted range does, and may not end where one does: a few more than by division.
        if (
          callsOf(limited) > Math.max(allowed, callsOf(planReads(wanted(ranges), PAGE, CALL_COSTS, free)))
        ) {
          throw new Error(`${callsOf(limited)} calls, ${allowed} are allowed`);
        }
        if (callsOf(unlimited) <= allowed && total(limited) !== total(unlimited))
          throw new Error('dearer for nothing');
      },
    ),
    { numRuns: 300 },
  );
});

t.test('what is wanted can allow more calls than what it spans', async (t) => {
  const costs = { mapCall: 6000, mapPage: 0, touchPage: 2400, readCall: 700, readPage: 500 };
  const limits = { map: 64 * PAGE, pread: 16 * PAGE, callsPerGiB: (2 * 2 ** 30) / (64 * PAGE) };
  const runs = Array.from({ length: 20 }, (_, i) => ({ start: i * 16 * PAGE, end: (i + 1) * 16 * PAGE }));
  const methods = (more: Partial<ReadLimits>) =>
    planReads(wanted(runs), PAGE, costs, { ...limits, ...more }).map(({ method }) => method);
  t.same(methods({}), Array(5).fill('map'), 'as many calls as maps of all of it take');
  t.same(methods({ callsPerWantedGiB: 2 ** 30 / (16 * PAGE) }), Array(20).fill('pread'));
});

t.test('one call less is worth any number of dearer ones, where calls are limited', async (t) => {
  // Two maps instead of five reads: one call less, for more than any single extent costs.
  const costs = { mapCall: 6000, mapPage: 195, touchPage: 50, readCall: 10, readPage: 100 };
  const ranges = [
    [0, 1],
    [118785, 126977],
    [217089, 249857],
    [258049, 262145],
    [372737, 385025],
    [449180, 479234],
  ].map(([start, end]) => ({ start: start!, end: end! }));
  const limits = { map: 64 * PAGE, pread: 11 * PAGE, callsPerGiB: (2 * 2 ** 30) / (64 * PAGE) };
  t.same(
    planReads(wanted(ranges), PAGE, costs, limits).map(({ first, last, method }) => [first, last, method]),
    [
      [0, 3, 'map'],
      [3, 6, 'map'],
    ],
  );
});

t.test('reads are short as long as calls suffice', async (t) => {
  const costs = { mapCall: 6000, mapPage: 0, touchPage: 2400, readCall: 700, readPage: 400 };
  const limits = { map: 0, pread: 12 * PAGE, shortPread: 4 * PAGE };
  const runs = (count: number, gap: number) =>
    Array.from({ length: count }, (_, i) => ({
      start: i * (2 + gap) * PAGE,
      end: (i * (2 + gap) + 2) * PAGE,
    }));
  const pages = (ranges: Range[], allowed: number) =>
    planReads(wanted(ranges), PAGE, costs, limits, allowed).map(
      ({ first, last }) => (ranges[last - 1]!.end - ranges[first]!.start) / PAGE,
    );
  t.same(pages(runs(12, 0), 24), Array(6).fill(4));
  t.same(pages(runs(12, 0), 11), Array(2).fill(12), 'less than half of the calls are left to others');
  t.same(pages(runs(12, 9), 24), Array(12).fill(2));
  t.same(pages(runs(12, 1), 30), Array(12).fill(2), 'two of them are too long with their gap');
});

t.test('a gap may be worth a call', async (t) => {
  const costs = { mapCall: 6000, mapPage: 0, touchPage: 2400, readCall: 700, readPage: 400 };
  const ranges = [0, 1, 8, 40].map((page) => ({ start: page * PAGE, end: (page + 1) * PAGE }));
  const groups = (pagesForCall?: number) =>
    planReads(wanted(ranges), PAGE, costs, { map: 0, pread: 100 * PAGE, pagesForCall }).map(
      ({ first, last }) => [first, last],
    );
  t.same(groups(), [
    [0, 2],
    [2, 3],
    [3, 4],
  ]);
  t.same(groups(10), [
    [0, 3],
    [3, 4],
  ]);
  t.same(groups(31), [[0, 4]]);
});

t.test('rounding does not add up over many ranges', async (t) => {
  const ranges = Array.from({ length: 32768 }, (_, i) => {
    const start = 2 ** 44 + i * 37 * PAGE;
    return { start, end: start + (1 + (i % 5)) * PAGE };
  });
  const costs = { mapCall: 6000, mapPage: 195.3, touchPage: 130.7, readCall: 700.1, readPage: 250.9 };
  const limits = { map: 64 << 20, pread: 1 << 20 };
  const plan = planReads(wanted(ranges), PAGE, costs, limits);
  checkPlan(plan, ranges, costs, limits);
  t.ok(plan.length > 1);
});

t.test('neighbours are read by one call, what lies far apart by two', async (t) => {
  const costs = { mapCall: 100, mapPage: 1, touchPage: 0, readCall: 10, readPage: 5 };
  const limits = { map: 1 << 30, pread: 1 << 20 };
  const page = (first: number, pages = 1) => ({ start: first * PAGE, end: (first + pages) * PAGE });
  const plan = (...ranges: Range[]) =>
    planReads(wanted(ranges), PAGE, costs, limits).map(({ first, last, method }) => [first, last, method]);
  t.same(plan(), []);
  t.same(plan(page(0), page(1)), [[0, 2, 'pread']]);
  t.same(plan(page(0), page(100)), [
    [0, 1, 'pread'],
    [1, 2, 'pread'],
  ]);
  t.same(plan(page(0, 50), page(60, 50)), [[0, 2, 'map']]);
});
