import { VmcoreError } from '../errors.ts';
import type { AbortMode, Sink } from './sink.ts';

/** A sink that becomes no larger than a limit: writing behind it is as on a full disk. */
export class LimitedSink implements Sink {
  readonly #sink: Sink;
  readonly #limit: number;

  /** @param limit bytes. */
  constructor(sink: Sink, limit: number) {
    this.#sink = sink;
    this.#limit = limit;
  }

  get file(): string {
    return this.#sink.file;
  }

  get bytesWritten(): number {
    return this.#sink.bytesWritten;
  }

  get size(): number {
    return this.#sink.size;
  }

  get canReserve(): boolean {
    return this.#sink.canReserve;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const room = this.#room(position, bytes.length);
    if (room > 0) await this.#sink.write(position, bytes.subarray(0, room));
    this.#check(position, bytes.length);
  }

  async reserve(position: number, length: number): Promise<void> {
    const room = this.#room(position, length);
    if (room > 0) await this.#sink.reserve(position, room);
    this.#check(position, length);
  }

  readBack(position: number, into: Uint8Array): Promise<boolean> {
    return this.#sink.readBack(position, into);
  }

  sync(): Promise<void> {
    return this.#sink.sync();
  }

  async finish(position: number, bytes: Uint8Array): Promise<void> {
    this.#check(position, bytes.length);
    return this.#sink.finish(position, bytes);
  }

  abort(mode: AbortMode, end?: number): Promise<string | undefined> {
    return this.#sink.abort(mode, end);
  }

  #room(position: number, length: number): number {
    return Math.min(length, this.#limit - position);
  }

  #check(position: number, length: number): void {
    if (position + length <= this.#limit) return;
    const offset = Math.max(position, this.#limit);
    const message = `${this.file}: could not be written at byte ${offset}: it may have ${this.#limit} bytes at most`;
    throw new VmcoreError('ERR_VMCORE_NO_SPACE', message, { file: this.file, offset });
  }
}
