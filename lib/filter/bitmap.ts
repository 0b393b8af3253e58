/** Bits set in each byte value. */
const BITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
});

/** Below so many bytes they are counted one by one: that needs no view. */
const FEW_BYTES = 64;

/** One bit per pfn, the lowest bit of a byte first: the layout of a kdump file's bitmaps on every architecture. */
export class PageBitmap {
  readonly bytes: Uint8Array;
  /** pfns 0 to `pages` - 1 have a bit; the bits behind stay 0. */
  readonly pages: number;

  /** All bits are 0. */
  constructor(pages: number, bytes: Uint8Array = new Uint8Array(Math.ceil(pages / 8))) {
    this.pages = pages;
    this.bytes = bytes;
  }

  /** Whether the bit of a pfn is set; false for one beyond the bitmap. */
  has(pfn: number): boolean {
    return pfn >= 0 && pfn < this.pages && (this.bytes[Math.floor(pfn / 8)]! & (1 << (pfn & 7))) !== 0;
  }

  /** Another bitmap with the same bits. */
  copy(): PageBitmap {
    return new PageBitmap(this.pages, this.bytes.slice());
  }

  /** Number of bits that are set, of all or of pfns `from` to `to` - 1. */
  count(from = 0, to = this.pages): number {
    const first = clamp(from, this.pages);
    const end = clamp(to, this.pages);
    if (first >= end) return 0;
    const firstByte = Math.floor(first / 8);
    const lastByte = Math.floor((end - 1) / 8);
    if (firstByte === lastByte) return BITS[this.bytes[firstByte]! & headMask(first) & tailMask(end)]!;
    const atEnds =
      BITS[this.bytes[firstByte]! & headMask(first)]! + BITS[this.bytes[lastByte]! & tailMask(end)]!;
    return atEnds + countBytes(this.bytes, firstByte + 1, lastByte);
  }

  /** Sets the bits of pfns `from` to `to` - 1. */
  set(from: number, to: number): void {
    this.#apply(from, to, (byte, mask) => byte | mask);
  }

  /** Clears the bits of pfns `from` to `to` - 1 and returns how many of them were set. */
  clear(from: number, to: number): number {
    if (from >= 0 && from < to && to <= this.pages && to - from <= 8 - (from & 7)) {
      // A small free block, of which a busy machine has one for every few pages.
      const index = Math.floor(from / 8);
      const byte = this.bytes[index]!;
      const mask = ((1 << (to - from)) - 1) << (from & 7);
      this.bytes[index] = byte & ~mask;
      return BITS[byte & mask]!;
    }
    const cleared = this.count(from, to);
    this.#apply(from, to, (byte, mask) => byte & ~mask);
    return cleared;
  }

  /** The first pfn at or after `from` whose bit is set, or -1. */
  nextSet(from: number): number {
    return this.#next(from, 0);
  }

  /** The first pfn at or after `from` whose bit is clear; `pages` when there is none. */
  nextClear(from: number): number {
    const found = this.#next(from, 0xff);
    return found < 0 ? this.pages : found;
  }

  /** Runs of set bits, ascending, as [first pfn, number of pages]. */
  *runs(): Generator<[firstPfn: number, count: number]> {
    for (let pfn = this.nextSet(0); pfn >= 0; ) {
      const end = this.nextClear(pfn);
      yield [pfn, end - pfn];
      pfn = this.nextSet(end);
    }
  }

  #apply(from: number, to: number, change: (byte: number, mask: number) => number): void {
    const first = clamp(from, this.pages);
    const end = clamp(to, this.pages);
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
    const bytes = this.bytes;
    for (let pfn = Math.max(0, from); pfn < this.pages; ) {
      const byte = bytes[Math.floor(pfn / 8)]! ^ skip;
      const rest = byte >> (pfn & 7);
      if (rest !== 0) {
        const found = pfn + (31 - Math.clz32(rest & -rest));
        return found < this.pages ? found : -1;
      }
      pfn += 8 - (pfn & 7);
    }
    return -1;
  }
}

/** Bits set in bytes `from` to `to` - 1. In words, where there are many: a whole bitmap is counted before this is compiled. */
function countBytes(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  let at = from;
  if (to - from >= FEW_BYTES) {
    while ((bytes.byteOffset + at) % 4 !== 0) count += BITS[bytes[at++]!]!;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, Math.floor((to - at) / 4));
    for (let i = 0; i < words.length; i++) count += countWord(words[i]!);
    at += words.length * 4;
  }
  for (; at < to; at++) count += BITS[bytes[at]!]!;
  return count;
}

/** Sums of 2, 4 and 8 neighbouring bits, then of the four bytes. */
function countWord(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function clamp(pfn: number, pages: number): number {
  return Math.min(Math.max(pfn, 0), pages);
}

/** The bits of a byte from that of `pfn` on. */
function headMask(pfn: number): number {
  return (0xff << (pfn & 7)) & 0xff;
}

/** The bits of a byte up to that before `end`. */
function tailMask(end: number): number {
  return 0xff >> (7 - ((end - 1) & 7));
}
