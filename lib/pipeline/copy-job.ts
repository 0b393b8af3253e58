import type { BatchSize } from '../access/memory-budget.ts';
import type { PageCodec } from '../codecs/codec.ts';
import type { VmcoreError } from '../errors.ts';
import { Scrubber, type ScrubRange } from '../filter/scrub.ts';
import type { PageBatch } from '../output/page-batch.ts';
import { type EncodedBatch, PageEncoder } from './encode.ts';
import { type LostPage, PageReader, type PageReaderOptions, type ReadPages } from './page-reader.ts';
import type { PageRuns } from './page-runs.ts';
import type { PlannedRead } from './read-planner.ts';

/** A page that is in bitmap 2 and whose data could not be read. */
export interface UnreadablePage {
  readonly pfn: number;
  readonly error: VmcoreError;
}

/** Unreadable pages that a report names; the rest is counted. */
export const UNREADABLE_LISTED = 1000;

/** Planned reads, one after another: what one thread copies before it is given more. */
export type CopyJob = readonly PlannedRead[];

/** A job has at least so many bytes of pages, except the last one: few messages, and threads end at the same time. */
const JOB_BYTES = 4 << 20;

/** After so many pages others get their turn: with a slow codec they take about 10 ms. */
const TURN_PAGES = 128;

/** The same reads in the same order, in jobs. */
export function* splitJobs(reads: Iterable<PlannedRead>, pageSize: number): Generator<CopyJob> {
  let job: PlannedRead[] = [];
  let pages = 0;
  for (const read of reads) {
    job.push(read);
    pages += read.runs.pages;
    if (pages * pageSize < JOB_BYTES) continue;
    yield job;
    job = [];
    pages = 0;
  }
  if (job.length > 0) yield job;
}

/** Pages of a job, ready to be stored. */
export interface CopiedBatch extends EncodedBatch {
  /** The missing ones, as long as a report names them. */
  readonly unreadable: readonly UnreadablePage[];
}

export interface JobCopierOptions extends PageReaderOptions {
  readonly batch: BatchSize;
  /** Stores pages raw when absent. */
  readonly codec: PageCodec | undefined;
  /** Whether pages of zeros are found and share one (dump level bit 0). */
  readonly shareZeroPages: boolean;
  /** What is overwritten before anything else is done with a page. */
  readonly scrub: readonly ScrubRange[];
}

/** Reads and encodes the pages of jobs on one thread: the same, whether that is the main thread or a worker. */
export class JobCopier {
  readonly #options: JobCopierOptions;
  readonly #reader: PageReader;
  readonly #encoder: PageEncoder;
  readonly #scrubber: Scrubber;
  #unreadable: UnreadablePage[] = [];
  #listed = 0;
  /** File offset behind the last mapped byte that was copied since the file's length was checked. */
  #mappedEnd = 0;

  constructor(options: JobCopierOptions) {
    this.#options = options;
    this.#reader = new PageReader(options);
    this.#encoder = new PageEncoder(options);
    this.#scrubber = new Scrubber(options.scrub);
  }

  /**
   * Batches with the pages of a job in ascending order. Comes back without one every few milliseconds, so that whoever
   * iterates can do something else for a while. Nothing stays mapped when the generator ends, however it ends.
   * @throws VmcoreError ERR_VMCORE_FAULT, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CLOSED.
   */
  *copy(job: CopyJob): Generator<CopiedBatch | undefined> {
    for (const piece of this.#reader.pieces(job)) {
      if ('bytes' in piece) yield* this.#encode(piece);
      else if (this.#addMissing(piece)) yield this.#take();
      yield undefined;
    }
    if (this.#encoder.count > 0) yield this.#take();
  }

  /** Takes back the buffers of a batch that nobody needs any more. */
  reuse(batch: PageBatch): void {
    this.#encoder.reuse(batch);
  }

  *#encode({ runs, bytes, mappedEnd }: ReadPages): Generator<CopiedBatch | undefined> {
    const { pageSize, scrub } = this.#options;
    this.#mappedEnd = Math.max(this.#mappedEnd, mappedEnd);
    if (scrub.length > 0) this.#scrub(runs, bytes);
    for (let from = 0; from < bytes.length; from += TURN_PAGES * pageSize) {
      const end = Math.min(from + TURN_PAGES * pageSize, bytes.length);
      for (let done = from; done < end; ) {
        done += pageSize * this.#encoder.encode(bytes.subarray(done, end));
        if (this.#encoder.full) yield this.#take();
      }
      if (end < bytes.length) yield undefined;
    }
  }

  #scrub(runs: PageRuns, bytes: Uint8Array): void {
    const { pageSize } = this.#options;
    for (let i = 0, done = 0; i < runs.count; i++) {
      const end = done + runs.pagesOf(i) * pageSize;
      this.#scrubber.scrub(runs.firstPfn(i) * pageSize, bytes.subarray(done, end));
      done = end;
    }
  }

  /** Returns whether the batch is full now. */
  #addMissing({ pfn, error }: LostPage): boolean {
    this.#encoder.addMissing();
    if (this.#listed++ < UNREADABLE_LISTED) this.#unreadable.push({ pfn, error });
    return this.#encoder.full;
  }

  #take(): CopiedBatch {
    if (this.#mappedEnd > 0) this.#options.source.checkLength(this.#mappedEnd);
    this.#mappedEnd = 0;
    const unreadable = this.#unreadable;
    this.#unreadable = [];
    return { ...this.#encoder.take(), unreadable };
  }
}
