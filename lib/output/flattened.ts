import { VmcoreError } from '../errors.ts';
import { encodeEndMarker, encodeFlattenedHeader, encodeRecordHead } from '../formats/flattened-layout.ts';
import type { AbortMode, Sink } from './sink.ts';

/**
 * The flattened form: every write becomes a record that says where its bytes belong, so that the sink behind is written
 * from its first byte to its last and never seeks. Nothing is reserved. Only a complete dump gets an end marker.
 */
export class FlattenedSink implements Sink {
  readonly canReserve = false;
  readonly #sink: Sink;
  /** Bytes of the stream so far: where the next record begins. */
  #end = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
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

  async write(position: number, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    if (this.#end === 0) await this.#append(encodeFlattenedHeader());
    const head = encodeRecordHead(position, bytes.length);
    const start = this.#end;
    try {
      await this.#append(head);
      await this.#append(bytes);
    } catch (error) {
      // Its head would claim what comes next as its data: where the sink can, the next record takes its place.
      this.#end = start;
      throw atPosition(error, position);
    }
  }

  async reserve(): Promise<void> {}

  async readBack(): Promise<boolean> {
    return false;
  }

  sync(): Promise<void> {
    return this.#sink.sync();
  }

  async finish(position: number, bytes: Uint8Array): Promise<void> {
    await this.write(position, bytes);
    const marker = encodeEndMarker();
    await this.#sink.finish(this.#end, marker);
  }

  abort(mode: AbortMode): Promise<string | undefined> {
    return this.#sink.abort(mode, this.#end);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await this.#sink.write(this.#end, bytes);
    this.#end += bytes.length;
  }
}

/** Where a record is cut off nothing of it can be used: the place of the error is where its bytes belong. */
function atPosition(error: unknown, offset: number): unknown {
  if (!(error instanceof VmcoreError)) return error;
  return new VmcoreError(error.code, error.message, { file: error.file, offset, cause: error });
}
