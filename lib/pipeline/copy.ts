import type { BatchSize } from '../access/memory-budget.ts';
import { codec } from '../codecs/registry.ts';
import type { ScrubRange } from '../filter/scrub.ts';
import type { DumpWriter } from '../output/dump-writer.ts';
import { Turns } from '../turns.ts';
import {
  type CopiedBatch,
  type CopyJob,
  JobCopier,
  type JobCopierOptions,
  splitJobs,
  UNREADABLE_LISTED,
  type UnreadablePage,
} from './copy-job.ts';
import type { Compression } from './copy-worker.ts';
import type { CopyWorkers } from './copy-workers.ts';
import type { KeptPages } from './kept-pages.ts';
import type { PageReaderOptions } from './page-reader.ts';
import { CallPrediction, type PlannerOptions, type PredictedCalls, planPages } from './read-planner.ts';

export interface CopyOptions extends PageReaderOptions, PlannerOptions {
  readonly batch: BatchSize;
  /** The pages that are copied. */
  readonly kept: KeptPages;
  /** Whether pages of zeros are found and share one (dump level bit 0). */
  readonly shareZeroPages: boolean;
  /** Pages are stored raw when absent. */
  readonly compression: Compression | undefined;
  readonly writer: DumpWriter;
  /** What is overwritten before anything else is done with a page. */
  readonly scrub: readonly ScrubRange[];
  /** Who reads and encodes; this thread when absent. */
  readonly workers: CopyWorkers | undefined;
  /** An unreadable page ends the dump. */
  readonly strict: boolean;
  readonly signal: AbortSignal;
  /** Called with an error before a write that is under way is waited for: a stream may never drain. */
  readonly onFailure: (error: unknown) => void;
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

/** Turns jobs to batches in their order, and takes the buffers of these back. */
interface Copier {
  batches(jobs: Iterable<CopyJob>): AsyncIterable<CopiedBatch>;
  reuse(batch: CopiedBatch): void;
}

/**
 * Copies the kept pages into the writer, in ascending order: pages are read as planned, encoded here or by workers, and
 * written while the next ones are encoded. An abort waits for no more than the write that is under way.
 * @throws what reading (ERR_VMCORE_FAULT, with `strict` ERR_VMCORE_IO), the workers (ERR_VMCORE_WORKER) or the writer
 *   throw, or the signal's reason.
 */
export async function copyPages(options: CopyOptions): Promise<CopyResult> {
  const { writer, workers, strict, onFailure, onPages } = options;
  const prediction = new CallPrediction(options);
  const copier = workers ? workersCopier(workers, options) : ownCopier(options);
  const unreadable: UnreadablePage[] = [];
  const sum = { pages: 0, zeroPages: 0, unreadablePages: 0 };
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const batch of copyPieces(copier, prediction, options)) {
      if (strict && batch.unreadable.length > 0) throw batch.unreadable[0]!.error;
      await writing;
      writing = writer.append(batch).then(() => copier.reuse(batch));
      // It is awaited before the next one; until then a rejection is not unhandled.
      writing.catch(() => {});
      sum.pages += batch.count;
      sum.zeroPages += batch.zeroPages;
      sum.unreadablePages += batch.missingPages;
      unreadable.push(...batch.unreadable.slice(0, UNREADABLE_LISTED - unreadable.length));
      onPages(sum.pages);
    }
  } catch (error) {
    onFailure(error);
    throw error;
  } finally {
    // A writer takes one call at a time. Its error comes second to the one that is on its way.
    await writing.catch(() => {});
  }
  await writing;
  return { ...sum, unreadable, predicted: prediction.calls };
}

/** One piece of the bitmap after another: what is planned and read does not depend on how large they are. */
async function* copyPieces(
  copier: Copier,
  prediction: CallPrediction,
  options: CopyOptions,
): AsyncGenerator<CopiedBatch> {
  for await (const piece of options.kept.pieces()) {
    const reads = prediction.watch(planPages(piece, options));
    yield* copier.batches(splitJobs(reads, options.pageSize));
  }
}

function workersCopier(workers: CopyWorkers, options: CopyOptions): Copier {
  const { source, extents, pageSize, limits, batch, compression, scrub, shareZeroPages, signal } = options;
  const setup = { extents, pageSize, limits, batch, compression, scrub, shareZeroPages };
  workers.begin({ ...setup, source: source.shared! });
  return {
    batches: (jobs) => workers.batches(jobs, signal),
    reuse: (batch) => workers.reuse(batch),
  };
}

function ownCopier(options: CopyOptions): Copier {
  const { compression, signal } = options;
  const copierOptions: JobCopierOptions = {
    ...options,
    codec: compression && codec(compression.name, { level: compression.level }),
  };
  const copier = new JobCopier(copierOptions);
  return { batches: (jobs) => copyAll(jobs, copier, signal), reuse: (batch) => copier.reuse(batch) };
}

async function* copyAll(
  jobs: Iterable<CopyJob>,
  copier: JobCopier,
  signal: AbortSignal,
): AsyncGenerator<CopiedBatch> {
  const turns = new Turns(signal);
  for (const job of jobs) {
    for (const batch of copier.copy(job)) {
      if (batch) yield batch;
      // The write of a batch begins at a turn, too.
      if (!batch && !turns.due) continue;
      await turns.give();
    }
  }
}
