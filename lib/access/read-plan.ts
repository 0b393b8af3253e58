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
 */
export function planReads(
  ranges: WantedRanges,
  pageSize: number,
  costs: ReadCosts,
  limits: ReadLimits,
): PlannedExtent[] {
  const planAt = (price: number) => planAtPrice(ranges, pageSize, costs, limits, price);
  const cheapest = planAt(0);
  const allowed = allowedCalls(ranges, limits);
  if (countCalls(cheapest) <= allowed) return cheapest;
  const unit = extentCost(pageSize, costs, limits);
  // No plan costs as much as one call more then, so this one has the fewest.
  const fewest = planAt(unit * ranges.count);
  return countCalls(fewest) >= allowed ? fewest : cheapestWithin(allowed, planAt, unit);
}

/** The plan at the lowest price, to a part in a thousand of it, with which there are no more calls than allowed. */
function cheapestWithin(
  allowed: number,
  planAt: (price: number) => PlannedExtent[],
  unit: number,
): PlannedExtent[] {
  let [low, high] = [0, unit];
  let plan = planAt(high);
  while (countCalls(plan) > allowed) {
    [low, high] = [high, 2 * high];
    plan = planAt(high);
  }
  for (let step = 0; step < PRICE_STEPS && countCalls(plan) < allowed; step++) {
    const price = (low + high) / 2;
    const tried = planAt(price);
    if (countCalls(tried) > allowed) low = price;
    else [high, plan] = [price, tried];
  }
  return plan;
}

function countCalls(plan: readonly PlannedExtent[]): number {
  return plan.reduce((sum, { method }) => sum + CALLS[method], 0);
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

/**
 * The cheapest plan when each call costs `price` more: dynamic programming over the last range of each group. The cost of
 * a group is linear in its length, so the best beginning for each end is the minimum of a sliding window, and the whole
 * takes time linear in the number of ranges.
 */
function planAtPrice(
  { count, start, end }: WantedRanges,
  pageSize: number,
  costs: ReadCosts,
  limits: ReadLimits,
  price: number,
): PlannedExtent[] {
  const best = new Float64Array(count + 1);
  const from = new Int32Array(count + 1);
  const byMap = new Uint8Array(count + 1);
  const map = new SlidingMinimum(count);
  const pread = new SlidingMinimum(count);
  const mapCall = costs.mapCall + CALLS.map * price;
  const readCall = costs.readCall + CALLS.pread * price;
  const mapByte = costs.mapPage / pageSize;
  const readByte = costs.readPage / pageSize;
  const touchByte = costs.touchPage / pageSize;
  let stretch = stretchAround(limits.borders, start[0] ?? 0);
  for (let i = 0; i < count; i++) {
    // What a group that begins with range i costs beside what its end adds.
    map.push(i, best[i]! - start[i]! * mapByte);
    pread.push(i, best[i]! - start[i]! * readByte);
    if (end[i]! > stretch.end) stretch = stretchAround(limits.borders, start[i]!);
    const copied = isCopied(limits.copied, start[i]!);
    const preadLimit = copied ? COPIED_READ_BYTES : limits.pread;
    map.dropWhile(
      (j) =>
        copied ||
        end[i]! - start[j]! > limits.map ||
        (j < i && (start[j]! < stretch.start || end[i]! > stretch.end)),
    );
    pread.dropWhile((j) => end[i]! - start[j]! > preadLimit);
    const touched = (end[i]! - start[i]!) * touchByte;
    map.addToAll(touched);
    const mapCost = map.minimum + mapCall + end[i]! * mapByte;
    const readCost = pread.minimum + readCall + end[i]! * readByte;
    const mapped = mapCost < readCost;
    best[i + 1] = mapped ? mapCost : readCost;
    from[i + 1] = mapped ? map.position : pread.position;
    byMap[i + 1] = mapped ? 1 : 0;
  }
  return traceBack(from, byMap, (first, last, method) => {
    const length = end[last - 1]! - start[first]!;
    if (method === 'pread') return costs.readCall + length * readByte;
    let touched = 0;
    for (let i = first; i < last; i++) touched += end[i]! - start[i]!;
    return costs.mapCall + length * mapByte + touched * touchByte;
  });
}

/** Costs are summed up anew: in those that were compared, prices took the place of their last digits. */
function traceBack(
  from: Int32Array,
  byMap: Uint8Array,
  costOf: (first: number, last: number, method: ReadMethod) => number,
): PlannedExtent[] {
  const extents: PlannedExtent[] = [];
  for (let last = from.length - 1; last > 0; last = from[last]!) {
    const first = from[last]!;
    const method: ReadMethod = byMap[last] ? 'map' : 'pread';
    extents.push({ first, last, method, cost: costOf(first, last, method) });
  }
  return extents.reverse();
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

  dropWhile(isOutside: (position: number) => boolean): void {
    while (this.#head < this.#tail && isOutside(this.#positions[this.#head]!)) this.#head++;
  }

  addToAll(amount: number): void {
    this.#offset += amount;
  }
}
