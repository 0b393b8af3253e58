import { BIT_COUNTS } from './bit-counts.ts';

/** Bits are counted beforehand in groups of so many bytes: 512 pages, and 8 bytes of memory for each. */
const GROUP_BYTES = 64;

/** A bitmap that tells how many bits are set before one: which descriptor is that of a page. */
export class PageRank {
  readonly #bytes: Uint8Array;
  /** Bits set before each group. */
  readonly #before: Float64Array;

  /** `bytes` has a bit for each pfn, the lowest bit of a byte first, and is not changed afterwards. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#before = new Float64Array(Math.ceil(bytes.length / GROUP_BYTES) + 1);
    let bits = 0;
    for (let i = 0; i < bytes.length; i++) {
      if (i % GROUP_BYTES === 0) this.#before[i / GROUP_BYTES] = bits;
      bits += BIT_COUNTS[bytes[i]!]!;
    }
    this.#before[this.#before.length - 1] = bits;
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
