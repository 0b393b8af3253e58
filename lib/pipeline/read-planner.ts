import { CallAllowance } from '../access/call-allowance.ts';
import { CALLS, PlanTable } from '../access/plan-table.ts';
import {
  planReads,
  type ReadCosts,
  type ReadLimits,
  type ReadMethod,
  type ReadObjective,
} from '../access/read-plan.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import { type Extents, findExtent } from '../formats/extents.ts';
import { type PageRuns, runGroups } from './page-runs.ts';

/** What the read plan is made of and for. */
export interface PlannerOptions {
  readonly extents: Extents;
  /** Bytes of a page. */
  readonly pageSize: number;
  readonly costs: ReadCosts;
  readonly limits: ReadLimits;
}

/** One call on the core: a map and its unmap, or a pread. */
export interface PlannedRead {
  /** What is wanted of it, ascending. */
  readonly runs: PageRuns;
  /** `pieces`: one page, put together from several preads. */
  readonly method: ReadMethod | 'pieces';
  /** File offset of the first wanted byte, and behind the last one. */
  readonly start: number;
  readonly end: number;
  /** Predicted cost, in the unit of the costs. */
  readonly cost: number;
}

/** One place of a page that lies in pieces. */
export interface PagePart {
  /** File offset, or -1 for memory without data. */
  readonly offset: number;
  /** Byte of the page where it begins, and behind its end. */
  readonly from: number;
  readonly to: number;
}

/** The reads that bring the pages of `bitmap`, in ascending order of pfns, each page once. */
export function* planPages(bitmap: PageBitmap, options: PlannerOptions): Generator<PlannedRead> {
  const { extents, pageSize, costs } = options;
  const limits = limitsOf(options);
  // A run can be reached in each way that there is: several of them make one call.
  const ways = [limits.map, limits.pread, limits.shortPread ?? limits.pread];
  const shortest = Math.min(...ways.filter((bytes) => bytes > 0));
  const pagesOf = (bytes: number) => Math.max(1, Math.floor(bytes / pageSize));
  const lengths = { run: pagesOf(shortest), gap: pagesOf(Math.max(limits.map, limits.pread)) };
  const table = new PlanTable();
  const allowance = new CallAllowance(limits);
  for (const group of runGroups(bitmap, extents, pageSize, lengths, limits.borders, limits.copied)) {
    if (group.start[0]! < 0) {
      const runs = group.slice(0, 1);
      const parts = partsOfPage(extents, runs.firstPfn(0), pageSize).filter((part) => part.offset >= 0);
      yield { runs, method: 'pieces', start: -1, end: -1, cost: parts.length * costs.readCall };
      continue;
    }
    const allowed = allowance.of(group);
    for (const { first, last, method, cost } of planReads(group, pageSize, costs, limits, allowed, table)) {
      allowance.spend(CALLS[method]);
      const runs = group.slice(first, last);
      yield { runs, ...runs.span(pageSize), method, cost };
    }
  }
}

/**
 * Where data is not aligned in the file as maps are, a map takes in more on both sides. Each way takes one page at least, a
 * map one of the host, too.
 */
function limitsOf({ extents, pageSize, limits }: PlannerOptions): ReadLimits {
  const grid = mapGrid(pageSize, limits);
  const aligned = extents.offset.every(
    (offset, i) => offset < 0 || (offset - extents.start[i]!) % pageSize === 0,
  );
  const around = grid - (aligned ? pageSize : 0);
  const atLeastPage = (bytes: number) => (bytes > 0 ? Math.max(pageSize, bytes) : 0);
  const { map, pread, shortPread } = limits;
  return {
    ...limits,
    map: map > 0 ? Math.max(grid, map - around) : 0,
    pread: atLeastPage(pread),
    shortPread: shortPread && atLeastPage(shortPread),
  };
}

/** Where the bytes of a page are; what no extent covers is zeros. */
export function partsOfPage(extents: Extents, pfn: number, pageSize: number): PagePart[] {
  const { start, end, offset, count } = extents;
  const paddr = pfn * pageSize;
  const parts: PagePart[] = [];
  for (let i = findExtent(extents, paddr); i < count && start[i]! < paddr + pageSize; i++) {
    const from = Math.max(start[i]!, paddr);
    const to = Math.min(end[i]!, paddr + pageSize);
    parts.push({
      offset: offset[i]! < 0 ? -1 : offset[i]! + (from - start[i]!),
      from: from - paddr,
      to: to - paddr,
    });
  }
  return parts;
}

/** Calls on the core that a plan makes, named as the counters that count them. */
export interface PredictedCalls {
  readonly maps: number;
  readonly mapBytes: number;
  readonly unmaps: number;
  readonly preads: number;
  readonly preadBytes: number;
  /** The longest map: what is mapped at one time, in bytes. */
  readonly mappedHighWater: number;
  /** In the unit of the costs. */
  readonly cost: number;
}

/** The calls of two plans that are carried out at the same time. */
export function addCalls(a: PredictedCalls, b: PredictedCalls): PredictedCalls {
  return {
    maps: a.maps + b.maps,
    mapBytes: a.mapBytes + b.mapBytes,
    unmaps: a.unmaps + b.unmaps,
    preads: a.preads + b.preads,
    preadBytes: a.preadBytes + b.preadBytes,
    mappedHighWater: a.mappedHighWater + b.mappedHighWater,
    cost: a.cost + b.cost,
  };
}

/** Adds up what planned reads will call. */
export class CallPrediction {
  readonly #pageSize: number;
  readonly #grid: number;
  readonly #extents: Extents;
  readonly #sum = { maps: 0, mapBytes: 0, unmaps: 0, preads: 0, preadBytes: 0, mappedHighWater: 0, cost: 0 };

  constructor({ pageSize, extents, limits }: PlannerOptions) {
    this.#pageSize = pageSize;
    this.#grid = mapGrid(pageSize, limits);
    this.#extents = extents;
  }

  add(read: PlannedRead): void {
    const sum = this.#sum;
    sum.cost += read.cost;
    if (read.method === 'map') {
      const { length } = mapRange(read, this.#grid);
      sum.maps++;
      sum.unmaps++;
      sum.mapBytes += length;
      sum.mappedHighWater = Math.max(sum.mappedHighWater, length);
      return;
    }
    if (read.method === 'pread') {
      sum.preads++;
      sum.preadBytes += read.end - read.start;
      return;
    }
    for (const part of partsOfPage(this.#extents, read.runs.firstPfn(0), this.#pageSize)) {
      if (part.offset < 0) continue;
      sum.preads++;
      sum.preadBytes += part.to - part.from;
    }
  }

  /** The same reads, added up as they come by. */
  *watch(reads: Iterable<PlannedRead>): Generator<PlannedRead> {
    for (const read of reads) {
      this.add(read);
      yield read;
    }
  }

  get calls(): PredictedCalls {
    return { ...this.#sum };
  }
}

/** Planned maps begin and end at multiples of this, in bytes: at whole pages, of the host where these are larger. */
export function mapGrid(pageSize: number, { hostPage = pageSize }: ReadLimits): number {
  return Math.max(pageSize, hostPage);
}

/** The cells of the grid that a read touches: what is mapped for it. */
export function mapRange(
  read: { start: number; end: number },
  grid: number,
): { start: number; length: number } {
  const start = read.start - (read.start % grid);
  return { start, length: Math.ceil((read.end - start) / grid) * grid };
}

/** A stretch of the file in a plan. */
export interface PlannedRange {
  /** File offset of its first byte. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** `skip`: nothing of it is wanted. */
  readonly method: ReadMethod | 'skip';
  /** Pages that are wanted of it. */
  readonly pages: number;
  /** The first of them; undefined where there is none. */
  readonly firstPfn: number | undefined;
}

/** A read plan to look at. */
export interface PlannedReads {
  readonly objective: ReadObjective;
  readonly costs: ReadCosts;
  /** In the order in which they are read: ascending by pfn. */
  readonly extents: readonly PlannedRange[];
  readonly predicted: PredictedCalls;
}

/** The whole plan of a bitmap. */
export function makeReadPlan(
  bitmap: PageBitmap,
  options: PlannerOptions,
  objective: ReadObjective,
): PlannedReads {
  const prediction = new CallPrediction(options);
  const extents: PlannedRange[] = [];
  let end = 0;
  for (const read of planPages(bitmap, options)) {
    prediction.add(read);
    for (const range of rangesOf(read, options)) {
      if (range.offset > end) {
        extents.push({
          offset: end,
          length: range.offset - end,
          method: 'skip',
          pages: 0,
          firstPfn: undefined,
        });
      }
      extents.push(range);
      end = range.offset + range.length;
    }
  }
  return { objective, costs: options.costs, extents, predicted: prediction.calls };
}

function rangesOf(read: PlannedRead, { extents, pageSize }: PlannerOptions): PlannedRange[] {
  const firstPfn = read.runs.firstPfn(0);
  if (read.method !== 'pieces') {
    const { pages } = read.runs;
    return [{ offset: read.start, length: read.end - read.start, method: read.method, pages, firstPfn }];
  }
  return partsOfPage(extents, firstPfn, pageSize)
    .filter((part) => part.offset >= 0)
    .map(({ offset, from, to }, i) => ({
      offset,
      length: to - from,
      method: 'pread',
      pages: i === 0 ? 1 : 0,
      firstPfn: i === 0 ? firstPfn : undefined,
    }));
}
