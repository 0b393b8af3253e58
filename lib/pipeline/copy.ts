import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BatchSize } from '../access/memory-budget.ts';
import { codec } from '../codecs/registry.ts';
import type { Classification } from '../filter/classify.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import type { ScrubRange } from '../filter/scrub.ts';
import type { DumpWriter } from '../output/dump-writer.ts';
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
import type { PageReaderOptions } from './page-reader.ts';
import { CallPrediction, type PlannerOptions, type PredictedCalls, planPages } from './read-planner.ts';

export interface CopyOptions extends PageReaderOptions, PlannerOptions {
  readonly batch: BatchSize;
  readonly classification: Classification;
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

/** The event loop is given a turn after so many milliseconds. */
const TURN_MS = 20;

/** Batches in the order of the dump, and what takes their buffers back. */
interface BatchSource {
  readonly batches: AsyncIterable<CopiedBatch>;
  reuse(batch: CopiedBatch): void;
}

/**
 * Copies the kept pages into the writer, in ascending order: pages are read as planned, encoded here or by workers, and
 * written while the next ones are encoded. An abort waits for no more than the write that is under way.
 * @throws what reading (ERR_VMCORE_FAULT, with `strict` ERR_VMCORE_IO), the workers (ERR_VMCORE_WORKER) or the writer
 *   throw, or the signal's reason.
 */
export async function copyPages(options: CopyOptions): Promise<CopyResult> {
  const { classification, pageSize, writer, workers, strict, onPages } = options;
  const prediction = new CallPrediction(options);
  const jobs = splitJobs(prediction.watch(planPages(classification.bitmap, options)), pageSize);
  const source = workers ? copiedByWorkers(workers, jobs, options) : copiedHere(jobs, options);
  const unreadable: UnreadablePage[] = [];
  const sum = { pages: 0, zeroPages: 0, unreadablePages: 0 };
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const batch of source.batches) {
      if (strict && batch.unreadable.length > 0) throw batch.unreadable[0]!.error;
      await writing;
      writing = writer.append(batch).then(() => source.reuse(batch));
      // It is awaited before the next one; until then a rejection is not unhandled.
      writing.catch(() => {});
      sum.pages += batch.count;
      sum.zeroPages += batch.zeroPages;
      sum.unreadablePages += batch.missingPages;
      unreadable.push(...batch.unreadable.slice(0, UNREADABLE_LISTED - unreadable.length));
      onPages(sum.pages);
    }
  } finally {
    // A writer takes one call at a time. Its error comes second to the one that is on its way.
    await writing.catch(() => {});
  }
  await writing;
  return { ...sum, unreadable, predicted: prediction.calls };
}

function copiedByWorkers(workers: CopyWorkers, jobs: Iterable<CopyJob>, options: CopyOptions): BatchSource {
  const { source, extents, pageSize, limits, batch, compression, scrub, signal } = options;
  const setup = { source: source.shared!, extents, pageSize, limits, batch, compression, scrub };
  const batches = workers.batches({ ...setup, shareZeroPages: sharesZeroPages(options) }, jobs, signal);
  return { batches, reuse: (batch) => workers.reuse(batch) };
}

function copiedHere(jobs: Iterable<CopyJob>, options: CopyOptions): BatchSource {
  const { compression } = options;
  const copierOptions: JobCopierOptions = {
    ...options,
    codec: compression && codec(compression.name, { level: compression.level }),
    shareZeroPages: sharesZeroPages(options),
  };
  const copier = new JobCopier(copierOptions);
  return { batches: copyAll(jobs, copier, options.signal), reuse: (batch) => copier.reuse(batch) };
}

async function* copyAll(
  jobs: Iterable<CopyJob>,
  copier: JobCopier,
  signal: AbortSignal,
): AsyncGenerator<CopiedBatch> {
  let turn = performance.now();
  for (const job of jobs) {
    for (const batch of copier.copy(job)) {
      if (batch) yield batch;
      // The write of a batch begins at a turn, too.
      if (!batch && performance.now() - turn < TURN_MS) continue;
      await nextTurn();
      signal.throwIfAborted();
      turn = performance.now();
    }
  }
}

function sharesZeroPages({ classification }: CopyOptions): boolean {
  return (classification.level & LEVEL_ZERO) !== 0;
}
