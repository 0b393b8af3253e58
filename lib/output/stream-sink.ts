import { WriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { VmcoreError } from '../errors.ts';
import { writeError } from './file-errors.ts';
import type { Sink } from './sink.ts';

/** Streams are handed copies of so many bytes: what a dump in progress holds does not grow with its batches. */
const PIECE_BYTES = 256 * 1024;

/**
 * A stream, written from its first byte to its last as fast as it drains. It is ended by finish(), and destroyed when
 * the dump fails or is aborted, so that whoever reads it can't take it for complete.
 */
export class StreamSink implements Sink {
  readonly canReserve = false;
  readonly file: string;
  readonly #stream: Writable;
  readonly #signal: AbortSignal;
  #bytesWritten = 0;
  #ended = false;
  #isFull = false;
  #isFinished = false;
  #failure: VmcoreError | undefined;
  /** Ends the wait that is under way. */
  #wake: () => void = () => {};
  readonly #onAbort = () => this.#wake();
  readonly #onDrain = () => {
    this.#isFull = false;
    this.#wake();
  };
  readonly #onFinish = () => {
    this.#isFinished = true;
    this.#wake();
  };
  readonly #onError = (error: unknown) => this.#fail(writeError(this.file, this.#bytesWritten, error));
  readonly #onClose = () => this.#fail(this.#error('was closed before the dump was complete'));

  /** @param signal ends any wait: a stream that never drains can't hold up an abort. */
  constructor(stream: Writable, signal: AbortSignal) {
    // One of a descriptor has no path.
    this.file = (stream instanceof WriteStream && stream.path && String(stream.path)) || 'stream';
    this.#stream = stream;
    this.#signal = signal;
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
    stream.on('drain', this.#onDrain);
    stream.on('finish', this.#onFinish);
    signal.addEventListener('abort', this.#onAbort);
    if (stream.errored) this.#onError(stream.errored);
    else if (stream.destroyed) this.#onClose();
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  get size(): number {
    return this.#bytesWritten;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    if (position !== this.#bytesWritten) throw this.#error(`can not be written at byte ${position}`);
    for (let done = 0; done < bytes.length; done += PIECE_BYTES) {
      this.#check();
      // A copy: a stream that is piped on may hold it after it asked for more.
      const piece = Buffer.from(bytes.subarray(done, done + PIECE_BYTES));
      this.#isFull = !this.#stream.write(piece);
      this.#bytesWritten += piece.length;
      await this.#until(() => !this.#isFull);
    }
    this.#check();
  }

  /** A stream has nothing to reserve. */
  async reserve(): Promise<void> {}

  /** Who reads it has it, or not. */
  async sync(): Promise<void> {}

  async readBack(): Promise<boolean> {
    return false;
  }

  async finish(position: number, bytes: Uint8Array): Promise<void> {
    await this.write(position, bytes);
    this.#stream.end();
    await this.#until(() => this.#isFinished);
    this.#release();
  }

  /** Nothing is left that could be kept: the reader has a stream without an end. */
  async abort(): Promise<undefined> {
    if (this.#ended) return;
    this.#release();
    // The error that a stream may have on its way out is about what is reported already.
    this.#stream.on('error', () => {});
    this.#stream.destroy();
  }

  async #until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      this.#check();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #check(): void {
    this.#signal.throwIfAborted();
    if (this.#failure) throw this.#failure;
  }

  #release(): void {
    this.#ended = true;
    this.#stream.off('error', this.#onError);
    this.#stream.off('close', this.#onClose);
    this.#stream.off('drain', this.#onDrain);
    this.#stream.off('finish', this.#onFinish);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #fail(failure: VmcoreError): void {
    this.#failure ??= failure;
    this.#wake();
  }

  #error(what: string): VmcoreError {
    const details = { file: this.file, offset: this.#bytesWritten };
    return new VmcoreError('ERR_VMCORE_OUTPUT', `${this.file}: ${what}`, details);
  }
}
