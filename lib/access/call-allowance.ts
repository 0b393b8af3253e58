import { CALLS } from './plan-table.ts';
import type { ReadLimits, WantedRanges } from './read-plan.ts';

const GIB = 2 ** 30;

/** How many calls ReadLimits allow for groups of ranges, one after another. What one group does not need is left to the next. */
export class CallAllowance {
  readonly #limits: ReadLimits;
  #left: number;
  /** File offset behind all ranges so far; undefined before there were any. */
  #end: number | undefined;

  constructor(limits: ReadLimits) {
    this.#limits = limits;
    this.#left = limits.callsAhead ?? 0;
  }

  /** For the next ranges: enough for one map at least. */
  of(ranges: WantedRanges): number {
    const { count, start, end } = ranges;
    const { callsPerGiB, callsPerWantedGiB = 0, callsPerSkippedGiB = 0 } = this.#limits;
    if (callsPerGiB === undefined || count === 0) return Number.POSITIVE_INFINITY;
    const spanned = end[count - 1]! - start[0]!;
    const skipped = Math.max(0, start[0]! - (this.#end ?? start[0]!));
    this.#end = Math.max(end[count - 1]!, this.#end ?? 0);
    this.#left += Math.max(spanned * callsPerGiB, wantedBytes(ranges) * callsPerWantedGiB) / GIB;
    this.#left += (skipped * callsPerSkippedGiB) / GIB;
    return Math.max(CALLS.map, Math.floor(this.#left));
  }

  spend(calls: number): void {
    this.#left = Math.max(0, this.#left - calls);
  }
}

/** Without the gaps. */
export function wantedBytes({ count, start, end }: WantedRanges): number {
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += end[i]! - start[i]!;
  return bytes;
}
