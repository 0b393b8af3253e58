import type { Sink } from './sink.ts';

/** Takes everything and keeps nothing but count: what a dry run writes to. */
export class NullSink implements Sink {
  readonly canReserve = true;
  readonly file: string;
  #bytesWritten = 0;
  #size = 0;

  constructor(file: string) {
    this.file = file;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  get size(): number {
    return this.#size;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    this.#count(position, bytes.length);
  }

  async reserve(position: number, length: number): Promise<void> {
    this.#count(position, length);
  }

  async readBack(): Promise<boolean> {
    return false;
  }

  async sync(): Promise<void> {}

  async finish(position: number, bytes: Uint8Array): Promise<void> {
    this.#count(position, bytes.length);
  }

  async abort(): Promise<undefined> {}

  #count(position: number, length: number): void {
    this.#bytesWritten += length;
    if (length > 0) this.#size = Math.max(this.#size, position + length);
  }
}
