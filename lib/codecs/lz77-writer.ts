import { MatchTable, MIN_MATCH, matchLength } from './match-table.ts';

/** After so many positions without a repetition every other one is tried, and so on. */
const SKIP_SHIFT = 5;

/** A few bytes are copied faster one by one than by a call. */
const FEW_LITERALS = 48;

/** Compresses pages, each as the first repetition that is found allows: what LZO and snappy have in common. */
export abstract class Lz77Writer {
  protected into: Uint8Array = new Uint8Array(0);
  protected size = 0;
  readonly #table = new MatchTable();
  readonly #farthest: number;

  /** @param farthest the longest distance that a copy can say. */
  constructor(farthest: number) {
    this.#farthest = farthest;
  }

  protected abstract writeBeginning(pageSize: number): void;
  /** Bytes [from, to) of the page; there is at least one. */
  protected abstract writeLiterals(page: Uint8Array, from: number, to: number): void;
  protected abstract writeCopy(distance: number, length: number): void;
  protected abstract writeEnd(): void;

  /** Returns the number of bytes written, or 0 when it is no less than the page. `into` is as long as the page. */
  compress(page: Uint8Array, into: Uint8Array): number {
    this.into = into;
    this.size = 0;
    this.#table.begin(page.length);
    // Words at any byte: typed arrays have none.
    const words = new DataView(page.buffer, page.byteOffset, page.length);
    this.writeBeginning(page.length);
    let literals = 0;
    for (let at = 0; at + MIN_MATCH <= page.length && this.size < page.length; ) {
      const earlier = this.#table.find(words, at);
      if (earlier < 0 || at - earlier > this.#farthest) {
        at += 1 + ((at - literals) >> SKIP_SHIFT);
        continue;
      }
      const length = matchLength(words, earlier, at);
      if (at > literals) this.writeLiterals(page, literals, at);
      this.writeCopy(at - earlier, length);
      at += length;
      literals = at;
    }
    if (page.length > literals) this.writeLiterals(page, literals, page.length);
    this.writeEnd();
    return this.size < page.length ? this.size : 0;
  }

  /** What does not fit is counted and not written. */
  protected write(byte: number): void {
    this.into[this.size++] = byte;
  }

  /** The literals themselves. */
  protected writeBytes(page: Uint8Array, from: number, to: number): void {
    const count = to - from;
    const { into, size } = this;
    this.size = size + count;
    if (this.size > into.length) return;
    if (count > FEW_LITERALS) into.set(page.subarray(from, to), size);
    else for (let i = 0; i < count; i++) into[size + i] = page[from + i]!;
  }
}
