import { checkLength, corruptPage } from './corrupt.ts';

/**
 * A page that is put together from literals and from copies of itself: what LZO and snappy have in common. Every read and
 * copy is checked, because what is stored comes from a file.
 */
export abstract class Lz77Reader {
  protected readonly from: Uint8Array;
  /** Position in `from`. */
  protected at = 0;
  readonly #codec: string;
  readonly #into: Uint8Array;
  #done = 0;

  constructor(codec: string, from: Uint8Array, into: Uint8Array) {
    this.#codec = codec;
    this.from = from;
    this.#into = into;
  }

  /** Carries out what is stored, to its end. */
  protected abstract decode(): void;

  /** Fills the page. @throws VmcoreError ERR_VMCORE_CORRUPT unless what is stored is a page of this size. */
  run(): void {
    this.decode();
    checkLength(this.#codec, this.#into.length, this.#done);
  }

  protected get pageSize(): number {
    return this.#into.length;
  }

  protected byte(): number {
    if (this.at >= this.from.length) throw this.corrupt('ends early');
    return this.from[this.at++]!;
  }

  /** Copies literals and returns their number. */
  protected literals(count: number): number {
    if (this.at + count > this.from.length) throw this.corrupt('ends early');
    if (this.#done + count > this.#into.length) throw this.corrupt('holds more');
    for (let i = 0; i < count; i++) this.#into[this.#done++] = this.from[this.at++]!;
    return count;
  }

  protected copy(distance: number, length: number): void {
    if (distance === 0 || distance > this.#done) throw this.corrupt('copies from before its beginning');
    if (this.#done + length > this.#into.length) throw this.corrupt('holds more');
    const into = this.#into;
    for (let end = this.#done + length; this.#done < end; this.#done++) {
      into[this.#done] = into[this.#done - distance]!;
    }
  }

  protected corrupt(why: string): Error {
    return corruptPage(this.#codec, this.#into.length, why);
  }
}
