import type { Turns } from '../turns.ts';
import { BIT_COUNTS } from './bit-counts.ts';

/** Bits are counted beforehand in groups of so many bytes: 512 pages, and 8 bytes of memory for each. */
const GROUP_BYTES = 64;
/** Groups between two looks at the clock: less than 1 ms. */
const GROUPS_PER_LOOK = 1024;

/** A bitmap that tells how many bits are set before one: which descriptor is that of a page. */
export class PageRank {
  readonly #bytes: Uint8Array;
  /** Bits set before each group. */
  readonly #before: Float64Array;

  private constructor(bytes: Uint8Array, before: Float64Array) {
    this.#bytes = bytes;
    this.#before = before;
  }

  /**
   * `bytes` has a bit for each pfn, the lowest bit of a byte first, and is not changed afterwards.
   * @throws the reason of the turns' signal.
   */
  static async of(bytes: Uint8Array, turns: Turns): Promise<PageRank> {
    const { length } = bytes;
    const before = new Float64Array(Math.ceil(length / GROUP_BYTES) + 1);
    let bits = 0;
    for (let group = 0, i = 0; i < length; group++) {
      before[group] = bits;
      for (const end = Math.min(i + GROUP_BYTES, length); i < end; i++) bits += BIT_COUNTS[bytes[i]!]!;
      if (group % GROUPS_PER_LOOK === 0 && turns.due) await turns.give();
    }
    before[before.length - 1] = bits;
    return new PageRank(bytes, before);
  }

  /** Bits set in all. */
  get total(): number {
    return this.#before.at(-1)!;
  }

  /** Whether the bit of a pfn is set. */
  has(pfn: number): boolean {
    return ((this.#bytes[Math.floor(pfn / 8)] ?? 0) & (1 << (pfn % 8))) !== 0;
  }

  /** Bits set of the pfns below `pfn`. */
  rank(pfn: number): number {
    const end = Math.floor(pfn / 8);
    if (end >= this.#bytes.length) return this.total;
    const group = Math.floor(end / GROUP_BYTES);
    let bits = this.#before[group]!;
    for (let i = group * GROUP_BYTES; i < end; i++) bits += BIT_COUNTS[this.#bytes[i]!]!;
    return bits + BIT_COUNTS[this.#bytes[end]! & ((1 << (pfn % 8)) - 1)]!;
  }
}
