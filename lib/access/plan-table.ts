import { COPIED_READ_BYTES, isCopied } from './copied-ranges.ts';
import { stretchAround } from './map-borders.ts';
import type { ReadCosts, ReadLimits, ReadMethod, WantedRanges } from './read-plan.ts';

/** Calls of an extent: a map is unmapped, too. */
export const CALLS: Readonly<Record<ReadMethod, number>> = { map: 2, pread: 1 };

/** Told of each extent of a plan, from the last one to the first. */
type ExtentVisitor = (first: number, last: number, method: ReadMethod) => void;

/** A plan while it is made, 37 bytes for each range: one table serves many plans, so that there is nothing to collect. */
export class PlanTable {
  /** Ranges that are planned. */
  #count = 0;
  /** Cost of the best plan of the first i ranges, prices included. */
  #best = new Float64Array(0);
  /** First range of its last group. */
  #from = new Int32Array(0);
  /** Whether that group is mapped. */
  #byMap = new Uint8Array(0);
  #map = new SlidingMinimum(0);
  #pread = new SlidingMinimum(0);

  /**
   * The cheapest plan when each call costs `price` more: dynamic programming over the last range of each group. The cost of
   * a group is linear in its length, so the best beginning for each end is the minimum of a sliding window, and the whole
   * takes time linear in the number of ranges. It runs a dozen times over all ranges of a core: no more than 50 ns for
   * each, without allocations.
   */
  fill(
    { count, start, end }: WantedRanges,
    pageSize: number,
    costs: ReadCosts,
    limits: ReadLimits,
    price: number,
  ): void {
    this.#clear(count);
    const [best, from, byMap, map, pread] = [this.#best, this.#from, this.#byMap, this.#map, this.#pread];
    const mapCall = costs.mapCall + CALLS.map * price;
    const readCall = costs.readCall + CALLS.pread * price;
    const mapByte = costs.mapPage / pageSize;
    const readByte = costs.readPage / pageSize;
    const touchByte = costs.touchPage / pageSize;
    let stretch = stretchAround(limits.borders, start[0] ?? 0);
    // Where the ranges begin that lie one after another up to this one.
    let joined = 0;
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
      if (i === 0 || first !== end[i - 1]) joined = first;
      const readable = behind - (copied ? COPIED_READ_BYTES : limits.pread);
      pread.dropBefore(limits.wantedOnly ? Math.max(joined, readable) : readable, start);
      map.addToAll((behind - first) * touchByte);
      const mapCost = map.minimum + mapCall + behind * mapByte;
      const readCost = pread.minimum + readCall + behind * readByte;
      const mapped = mapCost < readCost;
      best[i + 1] = mapped ? mapCost : readCost;
      from[i + 1] = mapped ? map.position : pread.position;
      byMap[i + 1] = mapped ? 1 : 0;
    }
  }

  /** Calls of the plan. */
  get calls(): number {
    let calls = 0;
    this.visit((_first, _last, method) => {
      calls += CALLS[method];
    });
    return calls;
  }

  visit(visitor: ExtentVisitor): void {
    for (let last = this.#count; last > 0; last = this.#from[last]!) {
      visitor(this.#from[last]!, last, this.#byMap[last] ? 'map' : 'pread');
    }
  }

  /** Makes room for plans of so many ranges, and forgets the last one. */
  #clear(count: number): void {
    if (this.#best.length <= count) {
      this.#best = new Float64Array(count + 1);
      this.#from = new Int32Array(count + 1);
      this.#byMap = new Uint8Array(count + 1);
      this.#map = new SlidingMinimum(count);
      this.#pread = new SlidingMinimum(count);
    }
    this.#count = count;
    this.#map.clear();
    this.#pread.clear();
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
