import { BIT_COUNTS } from '../formats/bit-counts.ts';

/** Below so many bytes they are counted one by one: that needs no view. */
const FEW_BYTES = 64;

/**
 * One bit per pfn of a range, the lowest bit of a byte first: the layout of a kdump file's bitmaps on every architecture,
 * or of a piece of one.
 */
export class PageBitmap {
  readonly bytes: Uint8Array;
  /** pfns `firstPfn` to `endPfn` - 1 have a bit; the bits behind stay 0. */
  readonly firstPfn: number;
  readonly endPfn: number;

  /** All bits are 0. */
  constructor(endPfn: number, bytes?: Uint8Array, firstPfn = 0) {
    this.firstPfn = firstPfn;
    this.endPfn = endPfn;
    this.bytes = bytes ?? new Uint8Array(Math.ceil((endPfn - firstPfn) / 8));
  }

  /** A bitmap of other pfns in the memory of this one, which is not to be used any more. All bits are 0. */
  renew(firstPfn: number, endPfn: number): PageBitmap {
    const length = Math.ceil((endPfn - firstPfn) / 8);
    const bytes = length <= this.bytes.length ? this.bytes.subarray(0, length).fill(0) : undefined;
    return new PageBitmap(endPfn, bytes, firstPfn);
  }

  /** Number of pfns that have a bit. */
  get pages(): number {
    return this.endPfn - this.firstPfn;
  }

  /** Whether the bit of a pfn is set; false for one beyond the bitmap. */
  has(pfn: number): boolean {
    const bit = pfn - this.firstPfn;
    return bit >= 0 && bit < this.pages && (this.bytes[Math.floor(bit / 8)]! & (1 << (bit & 7))) !== 0;
  }

  /** Another bitmap with the same bits. */
  copy(): PageBitmap {
    return new PageBitmap(this.endPfn, this.bytes.slice(), this.firstPfn);
  }

  /** Another bitmap with the bits of pfns `from` to `to` - 1, and no memory for those of others. */
  slice(from: number, to: number): PageBitmap {
    const firstByte = Math.floor(this.#bit(from) / 8);
    const firstPfn = this.firstPfn + firstByte * 8;
    const endPfn = this.firstPfn + Math.max(this.#bit(to), firstByte * 8);
    const bytes = this.bytes.slice(firstByte, firstByte + Math.ceil((endPfn - firstPfn) / 8));
    const part = new PageBitmap(endPfn, bytes, firstPfn);
    part.clear(firstPfn, from);
    if (bytes.length > 0) bytes[bytes.length - 1]! &= tailMask(endPfn - firstPfn);
    return part;
  }

  /** Number of bits that are set, of all or of pfns `from` to `to` - 1. */
  count(from = this.firstPfn, to = this.endPfn): number {
    const first = this.#bit(from);
    const end = this.#bit(to);
    if (first >= end) return 0;
    const firstByte = Math.floor(first / 8);
    const lastByte = Math.floor((end - 1) / 8);
    if (firstByte === lastByte) return BIT_COUNTS[this.bytes[firstByte]! & headMask(first) & tailMask(end)]!;
    const atEnds =
      BIT_COUNTS[this.bytes[firstByte]! & headMask(first)]! +
      BIT_COUNTS[this.bytes[lastByte]! & tailMask(end)]!;
    return atEnds + countBytes(this.bytes, firstByte + 1, lastByte);
  }

  /** Sets the bits of pfns `from` to `to` - 1. */
  set(from: number, to: number): void {
    this.#apply(from, to, (byte, mask) => byte | mask);
  }

  /** Clears the bits of pfns `from` to `to` - 1 and returns how many of them were set. */
  clear(from: number, to: number): number {
    const bit = from - this.firstPfn;
    if (bit >= 0 && from < to && to <= this.endPfn && to - from <= 8 - (bit & 7)) {
      // A small free block, of which a busy machine has one for every few pages.
      const index = Math.floor(bit / 8);
      const byte = this.bytes[index]!;
      const mask = ((1 << (to - from)) - 1) << (bit & 7);
      this.bytes[index] = byte & ~mask;
      return BIT_COUNTS[byte & mask]!;
    }
    const cleared = this.count(from, to);
    this.#apply(from, to, (byte, mask) => byte & ~mask);
    return cleared;
  }

  /** The first pfn at or after `from` whose bit is set, or -1. */
  nextSet(from: number): number {
    return this.#next(from, 0);
  }

  /** The first pfn at or after `from` whose bit is clear; `endPfn` when there is none. */
  nextClear(from: number): number {
    const found = this.#next(from, 0xff);
    return found < 0 ? this.endPfn : found;
  }

  /** Runs of set bits, ascending, as [first pfn, number of pages]. */
  *runs(): Generator<[firstPfn: number, count: number]> {
    for (let pfn = this.nextSet(this.firstPfn); pfn >= 0; ) {
      const end = this.nextClear(pfn);
      yield [pfn, end - pfn];
      pfn = this.nextSet(end);
    }
  }

  #apply(from: number, to: number, change: (byte: number, mask: number) => number): void {
    const first = this.#bit(from);
    const end = this.#bit(to);
    if (first >= end) return;
    const firstByte = Math.floor(first / 8);
    const lastByte = Math.floor((end - 1) / 8);
    const bytes = this.bytes;
    if (firstByte === lastByte) {
      bytes[firstByte] = change(bytes[firstByte]!, headMask(first) & tailMask(end));
      return;
    }
    bytes[firstByte] = change(bytes[firstByte]!, headMask(first));
    bytes[lastByte] = change(bytes[lastByte]!, tailMask(end));
    bytes.fill(change(0, 0xff) & 0xff, firstByte + 1, lastByte);
  }

  /** The first bit at or after `from` that differs from those of a byte that is `skip` (0 or 0xff). */
  #next(from: number, skip: number): number {
    const { bytes, pages, firstPfn } = this;
    for (let bit = Math.max(0, from - firstPfn); bit < pages; ) {
      const byte = bytes[Math.floor(bit / 8)]! ^ skip;
      const rest = byte >> (bit & 7);
      if (rest !== 0) {
        const found = bit + (31 - Math.clz32(rest & -rest));
        return found < pages ? firstPfn + found : -1;
      }
      bit += 8 - (bit & 7);
    }
    return -1;
  }

  /** The place of a pfn's bit, or of the nearest one that there is; for a pfn behind all, their number. */
  #bit(pfn: number): number {
    return Math.min(Math.max(pfn - this.firstPfn, 0), this.pages);
  }
}

/** Bits set in bytes `from` to `to` - 1. In words, where there are many: a whole bitmap is counted before this is compiled. */
function countBytes(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  let at = from;
  if (to - from >= FEW_BYTES) {
    while ((bytes.byteOffset + at) % 4 !== 0) count += BIT_COUNTS[bytes[at++]!]!;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, Math.floor((to - at) / 4));
    for (let i = 0; i < words.length; i++) count += countWord(words[i]!);
    at += words.length * 4;
  }
  for (; at < to; at++) count += BIT_COUNTS[bytes[at]!]!;
  return count;
}

/** Sums of 2, 4 and 8 neighbouring bits, then of the four bytes. */
function countWord(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The bits of a byte from that at place `bit` on. */
function headMask(bit: number): number {
  return (0xff << (bit & 7)) & 0xff;
}

/** The bits of a byte up to that before `end`. */
function tailMask(end: number): number {
  return 0xff >> (7 - ((end - 1) & 7));
}
