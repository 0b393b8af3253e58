import type { ByteSource } from '../access/byte-source.ts';

/** Bytes that are read together: a few milliseconds on a slow disk. */
const WINDOW_BYTES = 1 << 20;

/** Ranges of a file that mostly lie one behind the other. */
export class ReadAhead {
  readonly #source: ByteSource;
  readonly #buffer: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
    this.#buffer = new Uint8Array(Math.min(WINDOW_BYTES, source.size));
  }

  /**
   * Bytes of the file, valid until the next call.
   * @param size at most 1 MiB, and no more than the file has.
   * @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_IO when these very bytes can't be read.
   */
  read(offset: number, size: number): Uint8Array {
    if (offset < this.#start || offset + size > this.#end) this.#fill(offset, size);
    return this.#buffer.subarray(offset - this.#start, offset - this.#start + size);
  }

  #fill(offset: number, size: number): void {
    const ahead = Math.min(this.#buffer.length, this.#source.size - offset);
    this.#end = 0;
    if (ahead > size && this.#tryRead(offset, ahead)) return;
    this.#source.read(offset, this.#buffer.subarray(0, size));
    this.#start = offset;
    this.#end = offset + size;
  }

  /** What is behind the wanted bytes may be damaged. */
  #tryRead(offset: number, size: number): boolean {
    try {
      this.#source.read(offset, this.#buffer.subarray(0, size));
    } catch {
      return false;
    }
    this.#start = offset;
    this.#end = offset + size;
    return true;
  }
}
