import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import type { DumpOptions, DumpReport, Vmcore } from 'vmcore';
import type { Part, SavedDump } from './place.ts';

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Stores part `number`, counted from 1, and tells its name. The bytes stay as they are until it is done. */
export type StorePart = (number: number, bytes: Uint8Array, digest: Buffer) => Promise<string>;

/** Cuts a stream into parts. While one is stored from its buffer, as often as it takes, the next one fills. */
export class PartStream extends Writable {
  readonly parts: Part[] = [];
  readonly #store: StorePart;
  #filling: Uint8Array;
  #other: Uint8Array;
  #filled = 0;
  /** The last write, which may wait for a part to be stored. */
  #taking: Promise<void> = Promise.resolve();
  #storing: Promise<void> = Promise.resolve();

  constructor(partBytes: number, store: StorePart) {
    super();
    this.#store = store;
    this.#filling = new Uint8Array(partBytes);
    this.#other = new Uint8Array(partBytes);
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#taking = this.#take(chunk);
    this.#taking.then(() => done(), done);
  }

  override _final(done: (error?: Error) => void): void {
    this.flush().then(() => done(), done);
  }

  /** Stores what there is, also of a stream that was destroyed. */
  async flush(): Promise<void> {
    await this.#taking;
    if (this.#filled > 0) await this.#next();
    await this.#storing;
  }

  async #take(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const piece = chunk.subarray(done, done + this.#filling.length - this.#filled);
      this.#filling.set(piece, this.#filled);
      this.#filled += piece.length;
      done += piece.length;
      if (this.#filled === this.#filling.length) await this.#next();
    }
  }

  async #next(): Promise<void> {
    await this.#storing;
    const bytes = this.#filling.subarray(0, this.#filled);
    [this.#filling, this.#other] = [this.#other, this.#filling];
    this.#filled = 0;
    this.#storing = this.#storePart(bytes);
    this.#storing.catch(() => {}); // comes to whoever waits for it next
  }

  async #storePart(bytes: Uint8Array): Promise<void> {
    const digest = sha256(bytes);
    const name = await this.#store(this.parts.length + 1, bytes, digest);
    this.parts.push({ name, bytes: bytes.length, sha256: digest.toString('hex') });
  }
}

/** Dumps into a place that takes parts. A dump that ends early is stored as far as it came. @throws what storing throws. */
export async function dumpInParts(
  core: Vmcore,
  name: string,
  stream: PartStream,
  options: DumpOptions,
): Promise<SavedDump> {
  let report: DumpReport | undefined;
  let error: Error | undefined;
  try {
    report = await core.dump(stream, options);
  } catch (cause) {
    error = cause instanceof Error ? cause : new Error(String(cause));
  }
  await stream.flush();
  return { name, parts: stream.parts, report, error };
}
