import { CallAllowance, wantedBytes } from './call-allowance.ts';
import type { CopiedRanges } from './copied-ranges.ts';
import type { MapBorders } from './map-borders.ts';
import { PlanTable } from './plan-table.ts';

/** How the bytes of an extent are reached. */
export type ReadMethod = 'map' | 'pread';

/** What reading costs, in any one unit: nanoseconds for the shortest time, calls for the fewest calls. */
export interface ReadCosts {
  /** One mmap and its munmap. */
  readonly mapCall: number;
  /** Each page that is mapped, wanted or not: page tables that are filled and emptied. */
  readonly mapPage: number;
  /** Each wanted page that is touched in a mapping for the first time: that it is copied from there, as pages of a dump are. */
  readonly touchPage: number;
  /** One pread. */
  readonly readCall: number;
  /** Each page that is read, wanted or not. */
  readonly readPage: number;
}

/** What a plan minimises: predicted time, or the number of calls. */
export type ReadObjective = 'time' | 'calls';

/** Costs whose sum is the number of calls; pages break ties, so that nothing is mapped or read for nothing. */
export const CALL_COSTS: ReadCosts = { mapCall: 2, mapPage: 1e-9, touchPage: 0, readCall: 1, readPage: 1e-9 };

/** What a plan has to keep to. */
export interface ReadLimits {
  /** Longest extent that is mapped, in bytes. */
  readonly map: number;
  /** Longest extent that is read by one pread, in bytes. */
  readonly pread: number;
  /**
   * Whether no pread goes over a gap. What lies in one of /proc/vmcore may be a page whose reading stops the machine: poisoned
   * memory, or memory that is offline. A map of it reads nothing.
   */
  readonly wantedOnly?: boolean | undefined;
  /** The same as long as calls suffice: longer reads only take more memory, whose first use is what costs. */
  readonly shortPread?: number | undefined;
  /** A gap of no more pages is read rather than that a call is made for what lies behind it. */
  readonly pagesForCall?: number | undefined;
  /** Calls for each GiB of the file at most, if extents may be long enough for so few; else there is no such limit. */
  readonly callsPerGiB?: number | undefined;
  /** Calls for each GiB that is wanted of it, where these are more. */
  readonly callsPerWantedGiB?: number | undefined;
  /** Calls for each GiB between groups of ranges, on top of these. */
  readonly callsPerSkippedGiB?: number | undefined;
  /** Calls on top of these for the groups that need them first. */
  readonly callsAhead?: number | undefined;
  /** The host's page size in bytes, where maps have to keep to it: they begin and end at multiples. */
  readonly hostPage?: number | undefined;
  /** What no map of several ranges goes across. */
  readonly borders?: MapBorders | undefined;
  /** What is read whatever it costs, also where nothing else is. Each end of it is a border. */
  readonly copied?: CopiedRanges | undefined;
}

/** Wanted ranges of a file, ascending and disjoint, as parallel arrays. */
export interface WantedRanges {
  readonly count: number;
  /** File offset of the first byte. */
  readonly start: Float64Array;
  /** File offset behind the last byte. */
  readonly end: Float64Array;
}

/** Ranges `first` to `last` - 1, reached by one map or one pread over them and the gaps between them. */
export interface PlannedExtent {
  readonly first: number;
  readonly last: number;
  readonly method: ReadMethod;
  /** Predicted cost, in the unit of the costs. */
  readonly cost: number;
}

/** Halvings of the interval in which the price of a call is looked for; on a scale of ratios, which begins here. */
const PRICE_STEPS = 10;
const LEAST_PRICE = 2 ** -20;
/** A price is low enough when so much of the allowed calls are made. */
const ENOUGH = 0.95;
/** Short reads are preferred to the shortest time when they take no more than this of it. */
const SHORT_READS_WORTH = 1.1;

/**
 * Groups ranges so that the sum of predicted costs is the least. Where that takes more calls than `allowed`, each call is
 * given a price on top, about the lowest one with which they are few enough. Each range must be within at least one limit.
 * A `table` may serve many plans, one after another.
 */
export function planReads(
  ranges: WantedRanges,
  pageSize: number,
  costs: ReadCosts,
  limits: ReadLimits,
  allowed = new CallAllowance(limits).of(ranges),
  table = new PlanTable(),
): PlannedExtent[] {
  const planner = new GroupPlanner(ranges, pageSize, costs, table);
  const short = shortLimits(ranges, limits, allowed);
  if (short) {
    if (planner.planFreely(short) <= allowed) return planner.extents();
    planner.planFreely(limits);
    const least = planner.cost;
    planner.planWithin(short, allowed);
    if (planner.calls <= allowed && planner.cost <= SHORT_READS_WORTH * least) return planner.extents();
  }
  planner.planWithin(limits, allowed);
  return planner.extents();
}

/** Limits with short reads, where there are any; undefined where these would take more than half of the calls. */
function shortLimits(ranges: WantedRanges, limits: ReadLimits, allowed: number): ReadLimits | undefined {
  const { shortPread, pread } = limits;
  if (shortPread === undefined || shortPread >= pread) return undefined;
  return 2 * wantedBytes(ranges) <= allowed * shortPread ? { ...limits, pread: shortPread } : undefined;
}

/** Plans for the same ranges, one after another. */
class GroupPlanner {
  readonly #ranges: WantedRanges;
  readonly #pageSize: number;
  readonly #costs: ReadCosts;
  readonly #table: PlanTable;

  constructor(ranges: WantedRanges, pageSize: number, costs: ReadCosts, table: PlanTable) {
    this.#ranges = ranges;
    this.#pageSize = pageSize;
    this.#costs = costs;
    this.#table = table;
  }

  get calls(): number {
    return this.#table.calls;
  }

  /** Of the last plan, without prices. */
  get cost(): number {
    let cost = 0;
    this.#table.visit((first, last, method) => {
      cost += this.#costOf(first, last, method);
    });
    return cost;
  }

  extents(): PlannedExtent[] {
    const extents: PlannedExtent[] = [];
    this.#table.visit((first, last, method) => {
      extents.push({ first, last, method, cost: this.#costOf(first, last, method) });
    });
    return extents.reverse();
  }

  /** With as many calls as suit. Returns their number. */
  planFreely(limits: ReadLimits): number {
    return this.#plan(limits, (limits.pagesForCall ?? 0) * this.#costs.readPage);
  }

  #plan(limits: ReadLimits, price: number): number {
    this.#table.fill(this.#ranges, this.#pageSize, this.#costs, limits, price);
    return this.#table.calls;
  }

  /** The plan with the fewest calls where there is none with so few. */
  planWithin(limits: ReadLimits, allowed: number): void {
    if (this.planFreely(limits) <= allowed) return;
    const unit = extentCost(this.#pageSize, this.#costs, limits);
    // No plan costs as much as one call more then, so this one has the fewest.
    const callsAt = (price: number) => this.#plan(limits, price);
    if (callsAt(unit * this.#ranges.count) >= allowed) return;
    callsAt(leastPrice(allowed, callsAt, unit));
  }

  /** Costs are summed up anew: in those that were compared, prices took the place of their last digits. */
  #costOf(first: number, last: number, method: ReadMethod): number {
    const { start, end } = this.#ranges;
    const [pageSize, costs] = [this.#pageSize, this.#costs];
    const pages = (end[last - 1]! - start[first]!) / pageSize;
    if (method === 'pread') return costs.readCall + pages * costs.readPage;
    let touched = 0;
    for (let i = first; i < last; i++) touched += end[i]! - start[i]!;
    return costs.mapCall + pages * costs.mapPage + (touched / pageSize) * costs.touchPage;
  }
}

/** About the lowest price with which there are no more calls than allowed. */
function leastPrice(allowed: number, callsAt: (price: number) => number, unit: number): number {
  let [low, high] = [unit * LEAST_PRICE, unit];
  let calls = callsAt(high);
  while (calls > allowed) {
    [low, high] = [high, 2 * high];
    calls = callsAt(high);
  }
  for (let step = 0; step < PRICE_STEPS && calls < ENOUGH * allowed; step++) {
    const price = Math.sqrt(low * high);
    const tried = callsAt(price);
    if (tried > allowed) low = price;
    else [high, calls] = [price, tried];
  }
  return high;
}

/** More than any extent costs. */
function extentCost(pageSize: number, costs: ReadCosts, limits: ReadLimits): number {
  const { mapCall, mapPage, touchPage, readCall, readPage } = costs;
  const pages = Math.max(limits.map, limits.pread) / pageSize;
  return mapCall + readCall + pages * (mapPage + touchPage + readPage);
}
