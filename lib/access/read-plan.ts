/** How the bytes of an extent are reached. */
export type ReadMethod = 'map' | 'pread';

/** What reading costs, in any one unit: nanoseconds for the shortest time, calls for the fewest calls. */
export interface ReadCosts {
  /** One mmap and its munmap. */
  readonly mapCall: number;
  /** Each page that is mapped, wanted or not: page tables that are filled and emptied. */
  readonly mapPage: number;
  /** Each wanted page that is touched in a mapping for the first time. */
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

/** Longest extent of each method, in bytes. */
export interface ReadLimits {
  readonly map: number;
  readonly pread: number;
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

/**
 * Groups ranges so that the sum of predicted costs is the least: dynamic programming over the last range of each group.
 * The cost of a group is linear in its length, so the best beginning for each end is the minimum of a sliding window,
 * and the whole takes time linear in the number of ranges. Each range must be within at least one limit.
 */
export function planReads(
  ranges: WantedRanges,
  pageSize: number,
  costs: ReadCosts,
  limits: ReadLimits,
): PlannedExtent[] {
  const { count, start, end } = ranges;
  const best = new Float64Array(count + 1);
  const from = new Int32Array(count + 1);
  const byMap = new Uint8Array(count + 1);
  const map = new SlidingMinimum(count);
  const pread = new SlidingMinimum(count);
  const mapByte = costs.mapPage / pageSize;
  const readByte = costs.readPage / pageSize;
  const touchByte = costs.touchPage / pageSize;
  for (let i = 0; i < count; i++) {
    // What a group that begins with range i costs beside what its end adds.
    map.push(i, best[i]! - start[i]! * mapByte);
    pread.push(i, best[i]! - start[i]! * readByte);
    map.dropWhile((j) => end[i]! - start[j]! > limits.map);
    pread.dropWhile((j) => end[i]! - start[j]! > limits.pread);
    const touched = (end[i]! - start[i]!) * touchByte;
    map.addToAll(touched);
    const mapCost = map.minimum + costs.mapCall + end[i]! * mapByte;
    const readCost = pread.minimum + costs.readCall + end[i]! * readByte;
    const mapped = mapCost < readCost;
    best[i + 1] = mapped ? mapCost : readCost;
    from[i + 1] = mapped ? map.position : pread.position;
    byMap[i + 1] = mapped ? 1 : 0;
  }
  return traceBack(count, best, from, byMap);
}

function traceBack(count: number, best: Float64Array, from: Int32Array, byMap: Uint8Array): PlannedExtent[] {
  const extents: PlannedExtent[] = [];
  for (let last = count; last > 0; last = from[last]!) {
    const first = from[last]!;
    extents.push({ first, last, method: byMap[last] ? 'map' : 'pread', cost: best[last]! - best[first]! });
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
