import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PageCodec } from '../codecs/codec.ts';
import type { VmcoreError } from '../errors.ts';
import type { Classification } from '../filter/classify.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import { Scrubber, type ScrubRange } from '../filter/scrub.ts';
import type { DumpWriter } from '../output/dump-writer.ts';
import { PageEncoder } from './encode.ts';
import { type PagePiece, PageReader, type PageReaderOptions } from './page-reader.ts';
import type { PredictedCalls } from './read-planner.ts';

/** A page that is in bitmap 2 and whose data could not be read. */
export interface UnreadablePage {
  readonly pfn: number;
  readonly error: VmcoreError;
}

export interface CopyOptions extends PageReaderOptions {
  readonly classification: Classification;
  readonly codec: PageCodec | undefined;
  readonly writer: DumpWriter;
  /** What is overwritten before anything else is done with a page. */
  readonly scrub: readonly ScrubRange[];
  /** An unreadable page ends the dump. */
  readonly strict: boolean;
  readonly signal: AbortSignal;
  /** Called with the number of pages done, when the event loop gets its turn. */
  readonly onPages: (pages: number) => void;
}

export interface CopyResult {
  readonly pages: number;
  readonly zeroPages: number;
  /** The first of them, at most {@link UNREADABLE_LISTED}. */
  readonly unreadable: readonly UnreadablePage[];
  readonly unreadablePages: number;
  /** The calls that the plan predicted. */
  readonly predicted: PredictedCalls;
}

/** Unreadable pages that a report names; the rest is counted. */
export const UNREADABLE_LISTED = 1000;
/** The event loop is given a turn after so many milliseconds. */
const TURN_MS = 20;

/**
 * Copies the kept pages into the writer, in ascending order: pages are read as planned, encoded, and written while the
 * next ones are encoded.
 * @throws what reading (ERR_VMCORE_FAULT, with `strict` ERR_VMCORE_IO) or the writer throws, or the signal's reason.
 */
export async function copyPages(options: CopyOptions): Promise<CopyResult> {
  return new CopyPass(options).run();
}

class CopyPass {
  readonly #options: CopyOptions;
  readonly #encoder: PageEncoder;
  readonly #scrubber: Scrubber;
  readonly #unreadable: UnreadablePage[] = [];
  #unreadablePages = 0;
  #pages = 0;
  /** File offset behind the last mapped byte that was encoded. */
  #mappedEnd = 0;
  /** The write that is under way. */
  #writing: Promise<void> = Promise.resolve();
  #turn = performance.now();

  constructor(options: CopyOptions) {
    this.#options = options;
    this.#scrubber = new Scrubber(options.scrub);
    this.#encoder = new PageEncoder({
      pageSize: options.pageSize,
      codec: options.codec,
      shareZeroPages: (options.classification.level & LEVEL_ZERO) !== 0,
    });
  }

  async run(): Promise<CopyResult> {
    const { classification } = this.#options;
    const reader = new PageReader(this.#options);
    try {
      for (const piece of reader.pieces(classification.bitmap)) {
        if (piece.bytes) await this.#encode(piece, piece.bytes);
        else await this.#missing(piece.firstPfn, piece.error!);
        if (performance.now() - this.#turn >= TURN_MS) await this.#giveTurn();
      }
      await this.#flush();
      await this.#writing;
    } finally {
      // A write may still use the encoder's buffers; its own error comes second to the one that is on its way.
      await this.#writing.catch(() => {});
    }
    return {
      pages: this.#pages,
      zeroPages: this.#encoder.zeroPages,
      unreadable: this.#unreadable,
      unreadablePages: this.#unreadablePages,
      predicted: reader.predicted,
    };
  }

  /** Nothing that was made of the bytes leaves before they were checked. */
  async #encode({ firstPfn, check, mappedEnd }: PagePiece, read: Uint8Array): Promise<void> {
    const { pageSize, classification } = this.#options;
    this.#mappedEnd = Math.max(this.#mappedEnd, mappedEnd);
    const wanted = classification.bitmap.bytes;
    const bytes = this.#scrubber.scrub(firstPfn * pageSize, read);
    for (let done = 0; done < bytes.length; ) {
      const before = this.#encoder.count;
      done += pageSize * this.#encoder.encode(bytes.subarray(done), firstPfn + done / pageSize, wanted);
      check();
      this.#pages += this.#encoder.count - before;
      if (this.#encoder.full) await this.#flush();
    }
  }

  async #missing(pfn: number, error: VmcoreError): Promise<void> {
    if (this.#options.strict) throw error;
    if (this.#encoder.full) await this.#flush();
    this.#encoder.addMissing();
    this.#pages++;
    if (this.#unreadablePages++ < UNREADABLE_LISTED) this.#unreadable.push({ pfn, error });
  }

  /** Hands the batch to the writer once the one before is written. */
  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#mappedEnd > 0) this.#options.source.checkLength(this.#mappedEnd);
    const batch = this.#encoder.take();
    this.#writing = this.#options.writer.append(batch).then(() => this.#encoder.reuse(batch));
    // It is awaited at the next flush; until then a rejection is not unhandled.
    this.#writing.catch(() => {});
    await this.#giveTurn();
  }

  async #giveTurn(): Promise<void> {
    const { signal, onPages } = this.#options;
    onPages(this.#pages);
    await nextTurn();
    signal.throwIfAborted();
    this.#turn = performance.now();
  }
}
