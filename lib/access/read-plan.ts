import { COPIED_READ_BYTES, type CopiedRanges, isCopied } from './copied-ranges.ts';
import { type MapBorders, stretchAround } from './map-borders.ts';

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
  /** Calls for each GiB of the file at most, if extents may be long enough for so few; else there is no such limit. */
  readonly callsPerGiB?: number | undefined;
  /** Calls for each GiB that is wanted of it, where these are more. */
  readonly callsPerWantedGiB?: number | undefined;
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

/** Calls of an extent: a map is unmapped, too. */
const CALLS: Readonly<Record<ReadMethod, number>> = { map: 2, pread: 1 };
const GIB = 2 ** 30;
/** Halvings of the interval in which the price of a call is looked for. */
const PRICE_STEPS = 10;

/**
 * Groups ranges so that the sum of predicted costs is the least. Where that takes too many calls, each call is given a
 * price on top, the lowest one with which they are few enough. Each range must be within at least one limit.
 * A `table` may serve many plans, one after another.
 */
export function planReads(
  ranges: WantedRanges,
  pageSize: number,
  costs: ReadCosts,
  limits: ReadLimits,
  table = new PlanTable(),
): PlannedExtent[] {
  const callsAt = (price: number) => {
    fillTable(table, ranges, pageSize, costs, limits, price);
    return table.countCalls(ranges.count);
  };
  const allowed = allowedCalls(ranges, limits);
  if (callsAt(0) > allowed) {
    const unit = extentCost(pageSize, costs, limits);
    // No plan costs as much as one call more then, so this one has the fewest.
    const highest = unit * ranges.count;
    if (callsAt(highest) < allowed) callsAt(leastPrice(allowed, callsAt, unit));
  }
  return table.extents(ranges.count, (first, last, method) =>
    groupCost(ranges, pageSize, costs, first, last, method),
  );
}

/** The lowest price, to a part in a thousand of it, with which there are no more calls than allowed. */
function leastPrice(allowed: number, callsAt: (price: number) => number, unit: number): number {
  let [low, high] = [0, unit];
  let calls = callsAt(high);
  while (calls > allowed) {
    [low, high] = [high, 2 * high];
    calls = callsAt(high);
  }
  for (let step = 0; step < PRICE_STEPS && calls < allowed; step++) {
    const price = (low + high) / 2;
    const tried = callsAt(price);
    if (tried > allowed) low = price;
    else [high, calls] = [price, tried];
  }
  return high;
}

function allowedCalls({ count, start, end }: WantedRanges, limits: ReadLimits): number {
  const { callsPerGiB, callsPerWantedGiB = 0 } = limits;
  if (callsPerGiB === undefined || count === 0) return Number.POSITIVE_INFINITY;
  let wanted = 0;
  for (let i = 0; i < count; i++) wanted += end[i]! - start[i]!;
  const spanned = end[count - 1]! - start[0]!;
  const calls = Math.max(spanned * callsPerGiB, wanted * callsPerWantedGiB) / GIB;
  return Math.max(CALLS.map, Math.floor(calls));
}

/** More than any extent costs. */
function extentCost(pageSize: number, costs: ReadCosts, limits: ReadLimits): number {
  const { mapCall, mapPage, touchPage, readCall, readPage } = costs;
  const pages = Math.max(limits.map, limits.pread) / pageSize;
  return mapCall + readCall + pages * (mapPage + touchPage + readPage);
}

/** Costs are summed up anew: in those that were compared, prices took the place of their last digits. */
function groupCost(
  { start, end }: WantedRanges,
  pageSize: number,
  costs: ReadCosts,
  first: number,
  last: number,
  method: ReadMethod,
): number {
  const pages = (end[last - 1]! - start[first]!) / pageSize;
  if (method === 'pread') return costs.readCall + pages * costs.readPage;
  let touched = 0;
  for (let i = first; i < last; i++) touched += end[i]! - start[i]!;
  return costs.mapCall + pages * costs.mapPage + (touched / pageSize) * costs.touchPage;
}

/** The memory of a plan while it is made, 37 bytes for each range: what is used again need not be collected. */
export class PlanTable {
  /** Cost of the best plan of the first i ranges. */
  best = new Float64Array(0);
  /** First range of its last group. */
  from = new Int32Array(0);
  /** Whether that group is mapped. */
  byMap = new Uint8Array(0);
  map = new SlidingMinimum(0);
  pread = new SlidingMinimum(0);

  /** Makes room for plans of so many ranges, and forgets the last one. */
  clear(count: number): void {
    if (this.best.length <= count) {
      this.best = new Float64Array(count + 1);
      this.from = new Int32Array(count + 1);
      this.byMap = new Uint8Array(count + 1);
      this.map = new SlidingMinimum(count);
      this.pread = new SlidingMinimum(count);
    }
    this.map.clear();
    this.pread.clear();
  }

  /** Those of the best plan of `count` ranges. */
  countCalls(count: number): number {
    let calls = 0;
    for (let last = count; last > 0; last = this.from[last]!) calls += CALLS[this.#method(last)];
    return calls;
  }

  extents(
    count: number,
    costOf: (first: number, last: number, method: ReadMethod) => number,
  ): PlannedExtent[] {
    const extents: PlannedExtent[] = [];
    for (let last = count; last > 0; last = this.from[last]!) {
      const first = this.from[last]!;
      const method = this.#method(last);
      extents.push({ first, last, method, cost: costOf(first, last, method) });
    }
    return extents.reverse();
  }

  #method(last: number): ReadMethod {
    return this.byMap[last] ? 'map' : 'pread';
  }
}

/**
 * The cheapest plan when each call costs `price` more: dynamic programming over the last range of each group. The cost of
 * a group is linear in its length, so the best beginning for each end is the minimum of a sliding window, and the whole
 * takes time linear in the number of ranges. It runs a dozen times over all ranges of a core: no more than 50 ns for
 * each, without allocations.
 */
function fillTable(
  table: PlanTable,
  { count, start, end }: WantedRanges,
  pageSize: number,
  costs: ReadCosts,
  limits: ReadLimits,
  price: number,
): void {
  table.clear(count);
  const { best, from, byMap, map, pread } = table;
  const mapCall = costs.mapCall + CALLS.map * price;
  const readCall = costs.readCall + CALLS.pread * price;
  const mapByte = costs.mapPage / pageSize;
  const readByte = costs.readPage / pageSize;
  const touchByte = costs.touchPage / pageSize;
  let stretch = stretchAround(limits.borders, start[0] ?? 0);
  for (let i = 0; i < count; i++) {
    const first = start[i]!;
    const behind = end[i]!;
    // What a group that begins with range i costs beside what its end adds.
    map.push(i, best[i]! - first * mapByte);
    pread.push(i, best[i]! - first * readByte);
    if (behind > stretch.end) stretch = stretchAround(limits.borders, first);
    const copied = isCopied(limits.copied, first);
    const border = behind > stretch.end ? first : Math.min(first, stretch.start);
    map.dropBefore(copied ? Number.POSITIVE_INFINITY : Math.max(border, behind - limits.map), start);
    pread.dropBefore(behind - (copied ? COPIED_READ_BYTES : limits.pread), start);
    map.addToAll((behind - first) * touchByte);
    const mapCost = map.minimum + mapCall + behind * mapByte;
    const readCost = pread.minimum + readCall + behind * readByte;
    const mapped = mapCost < readCost;
    best[i + 1] = mapped ? mapCost : readCost;
    from[i + 1] = mapped ? map.position : pread.position;
    byMap[i + 1] = mapped ? 1 : 0;
  }
}

/** The least of a window that only moves forward: a deque of positions with ascending values. */
class SlidingMinimum {
  readonly #positions: Int32Array;
  readonly #values: Float64Array;
  #head = 0;
  #tail = 0;
  /** Added to every value that was pushed before it was added. */
  #offset = 0;

  constructor(capacity: number) {
    this.#positions = new Int32Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  clear(): void {
    this.#head = this.#tail = this.#offset = 0;
  }

  /** Infinity when the window is empty. */
  get minimum(): number {
    return this.#head < this.#tail ? this.#values[this.#head]! + this.#offset : Number.POSITIVE_INFINITY;
  }

  get position(): number {
    return this.#positions[this.#head]!;
  }

  push(position: number, value: number): void {
    const stored = value - this.#offset;
    while (this.#tail > this.#head && this.#values[this.#tail - 1]! >= stored) this.#tail--;
    this.#positions[this.#tail] = position;
    this.#values[this.#tail++] = stored;
  }

  /** Drops the positions whose range begins before `offset`. */
  dropBefore(offset: number, start: Float64Array): void {
    while (this.#head < this.#tail && start[this.#positions[this.#head]!]! < offset) this.#head++;
  }

  addToAll(amount: number): void {
    this.#offset += amount;
  }
}
