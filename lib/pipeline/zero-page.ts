import { native } from '../access/native.ts';

/** Tells pages of zeros from others: 70 ns for one with data, where a call is for many. */
export class ZeroPageTest {
  readonly #pageSize: number;
  #found = new Uint8Array(1);

  /** @param pageSize bytes. */
  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  /** For each page of `bytes` 1 when it has only zeros, else 0. Valid until the next call. */
  find(bytes: Uint8Array): Uint8Array {
    const pages = Math.floor(bytes.length / this.#pageSize);
    if (this.#found.length < pages) this.#found = new Uint8Array(pages);
    native().zeroBlocks(bytes, this.#pageSize, this.#found);
    return this.#found;
  }

  /** True when a page has only zeros. */
  isZero(page: Uint8Array): boolean {
    return this.find(page)[0] === 1;
  }
}
