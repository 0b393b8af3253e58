import { type BatchSize, FULL_BATCH } from '../access/memory-budget.ts';
import type { PageCodec } from '../codecs/codec.ts';
import type { PageBatch } from '../output/page-batch.ts';
import { MISSING_PAGE, ZERO_PAGE } from '../output/page-batch.ts';
import { ZeroPageTest } from './zero-page.ts';

export interface PageEncoderOptions {
  /** Bytes. */
  readonly pageSize: number;
  /** Stores pages raw when absent. */
  readonly codec?: PageCodec | undefined;
  /** Whether pages of zeros are found and share one (dump level bit 0). */
  readonly shareZeroPages: boolean;
  /** What a batch has at most; default {@link FULL_BATCH}. */
  readonly batch?: Pick<BatchSize, 'bytes' | 'pages'> | undefined;
}

/** Where nobody looks for them. */
const NO_ZEROS = new Uint8Array(0);

/** The buffers of one batch. */
interface BatchBuffers {
  readonly data: Uint8Array;
  readonly sizes: Uint32Array;
  readonly flags: Uint32Array;
}

/** A batch of an encoder, with what was found of its pages. */
export interface EncodedBatch extends PageBatch {
  /** Pages of zeros, where these are looked for. */
  readonly zeroPages: number;
  /** Pages that could not be read. */
  readonly missingPages: number;
}

/**
 * Turns pages to batches of stored pages: the work of the CPU, synchronous, the same on the main thread and in workers.
 *
 * ```ts
 * for (let done = 0; done < bytes.length; ) {
 *   done += pageSize * encoder.encode(bytes.subarray(done));
 *   if (encoder.full) await writer.append(encoder.take());
 * }
 * ```
 */
export class PageEncoder {
  readonly #pageSize: number;
  readonly #codec: PageCodec | undefined;
  readonly #zeroTest: ZeroPageTest | undefined;
  /** Free bytes that the next page may need: a codec may write more than it keeps. */
  readonly #room: number;
  readonly #bufferSize: number;
  readonly #maxPages: number;
  readonly #free: BatchBuffers[] = [];
  #batch: BatchBuffers;
  #count = 0;
  #used = 0;
  #zeroPages = 0;
  #missingPages = 0;
  /** Byte of the first raw page that is described but not copied yet, and where it goes; -1 when there is none. */
  #rawFrom = -1;
  #rawTo = 0;

  constructor(options: PageEncoderOptions) {
    this.#pageSize = options.pageSize;
    this.#codec = options.codec;
    this.#zeroTest = options.shareZeroPages ? new ZeroPageTest(options.pageSize) : undefined;
    this.#room = options.codec ? 2 * options.pageSize : options.pageSize;
    const { bytes, pages } = options.batch ?? FULL_BATCH;
    this.#bufferSize = Math.max(bytes, this.#room);
    this.#maxPages = pages;
    this.#batch = this.#allocate();
  }

  /** Pages in the current batch. */
  get count(): number {
    return this.#count;
  }

  /** Whether the current batch may not take another page: take() it. */
  get full(): boolean {
    return this.#count === this.#maxPages || this.#bufferSize - this.#used < this.#room;
  }

  /**
   * Adds the pages of `bytes`, which holds whole pages, to the current batch, until that is full. Returns how many it
   * added.
   */
  encode(bytes: Uint8Array): number {
    const pageSize = this.#pageSize;
    const pages = Math.floor(bytes.length / pageSize);
    let done = 0;
    const zeros = this.#zeroTest?.find(bytes) ?? NO_ZEROS;
    for (; done < pages && !this.full; done++) this.#add(bytes, done * pageSize, zeros[done] === 1);
    this.#copyRaw(bytes, done * pageSize);
    return done;
  }

  /** Adds a page that could not be read, in place of its data. The current batch must not be full. */
  addMissing(): void {
    this.#missingPages++;
    this.#describe(0, MISSING_PAGE);
  }

  /** The current batch, and begins another. The caller owns it until it hands it to reuse(). */
  take(): EncodedBatch {
    const { data, sizes, flags } = this.#batch;
    const batch = {
      count: this.#count,
      sizes,
      flags,
      data: data.subarray(0, this.#used),
      zeroPages: this.#zeroPages,
      missingPages: this.#missingPages,
    };
    this.#batch = this.#free.pop() ?? this.#allocate();
    this.#count = 0;
    this.#used = 0;
    this.#zeroPages = 0;
    this.#missingPages = 0;
    return batch;
  }

  /** Takes back the buffers of a batch of take() that nobody needs any more. Detached ones are ignored. */
  reuse(batch: PageBatch): void {
    const { data, sizes, flags } = batch;
    if (data.buffer.byteLength !== this.#bufferSize || flags.length !== this.#maxPages) return;
    this.#free.push({ data: new Uint8Array(data.buffer), sizes, flags });
  }

  #add(bytes: Uint8Array, at: number, isZero: boolean): void {
    if (isZero) {
      this.#copyRaw(bytes, at);
      this.#zeroPages++;
      this.#describe(0, ZERO_PAGE);
      return;
    }
    const size = this.#codec ? this.#compress(this.#codec, bytes.subarray(at, at + this.#pageSize)) : 0;
    if (size > 0) {
      this.#copyRaw(bytes, at);
      this.#describe(size, this.#codec!.flag);
      return;
    }
    if (this.#rawFrom < 0) {
      this.#rawFrom = at;
      this.#rawTo = this.#used;
    }
    this.#describe(this.#pageSize, 0);
  }

  /** Copies the raw pages before byte `end` that were described but not copied: together, since each copy has its cost. */
  #copyRaw(bytes: Uint8Array, end: number): void {
    if (this.#rawFrom < 0) return;
    this.#batch.data.set(bytes.subarray(this.#rawFrom, end), this.#rawTo);
    this.#rawFrom = -1;
  }

  #compress(codec: PageCodec, page: Uint8Array): number {
    return codec.compress(page, this.#batch.data.subarray(this.#used, this.#used + this.#room));
  }

  #describe(size: number, flags: number): void {
    this.#batch.sizes[this.#count] = size;
    this.#batch.flags[this.#count] = flags;
    this.#count++;
    this.#used += size;
  }

  #allocate(): BatchBuffers {
    return {
      data: new Uint8Array(this.#bufferSize),
      sizes: new Uint32Array(this.#maxPages),
      flags: new Uint32Array(this.#maxPages),
    };
  }
}
