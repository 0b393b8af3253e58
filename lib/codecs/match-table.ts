/** Entries of the table: enough for the 4096 positions of a page, few enough for the first-level cache. */
const HASH_BITS = 12;
/** Knuth's multiplicative hash: 2^32 divided by the golden ratio, odd. */
const HASH_FACTOR = 0x9e3779b1;

/** The shortest repetition that is looked for, in bytes. */
export const MIN_MATCH = 4;

/** Finds earlier occurrences of four bytes in a page: what the LZ77 compressors here (LZO, snappy) have in common. */
export class MatchTable {
  /** The last position of each hash, plus the base of the page it was in. */
  readonly #last = new Int32Array(1 << HASH_BITS);
  /** Positions of the current page are counted from here on, so that entries of earlier pages need no clearing. */
  #base = 1;
  #next = 1;

  /** Begins a page of `length` bytes: earlier ones are forgotten. */
  begin(length: number): void {
    this.#base = this.#next;
    if (this.#base + length > 0x7fffffff) {
      this.#last.fill(0);
      this.#base = 1;
    }
    this.#next = this.#base + length;
  }

  /**
   * The last position before `at` that begins with the same {@link MIN_MATCH} bytes, or -1 when none is known; remembers
   * `at`. The page holds these bytes: at + MIN_MATCH <= page.byteLength.
   */
  find(page: DataView, at: number): number {
    const word = page.getInt32(at, true);
    const slot = Math.imul(word, HASH_FACTOR) >>> (32 - HASH_BITS);
    const earlier = this.#last[slot]! - this.#base;
    this.#last[slot] = this.#base + at;
    return earlier >= 0 && page.getInt32(earlier, true) === word ? earlier : -1;
  }
}

/** How many bytes from `at` on are the same as those from `earlier` on; at least MIN_MATCH are known to be. */
export function matchLength(page: DataView, earlier: number, at: number): number {
  const most = page.byteLength - at;
  let length = MIN_MATCH;
  for (; length + 4 <= most; length += 4) {
    const differs = page.getInt32(earlier + length, true) ^ page.getInt32(at + length, true);
    // The lowest bit that differs is in the first byte that does.
    if (differs !== 0) return length + ((31 - Math.clz32(differs & -differs)) >> 3);
  }
  while (length < most && page.getUint8(earlier + length) === page.getUint8(at + length)) length++;
  return length;
}
