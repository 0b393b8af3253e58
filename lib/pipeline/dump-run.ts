import { performance } from 'node:perf_hooks';
import type { PassSizes } from '../access/memory-budget.ts';
import type { ReadCosts } from '../access/read-plan.ts';
import { callsBetween, callsOf, type SourceCalls } from '../access/source-calls.ts';
import type { Classification, ScanProgress } from '../filter/classify.ts';
import type { PageJudge } from '../filter/page-judge.ts';
import type { ScrubPlan } from '../filter/scrub-plan.ts';
import type { DumpWriter } from '../output/dump-writer.ts';
import { type CopyResult, copyPages } from './copy.ts';
import { UNREADABLE_LISTED } from './copy-job.ts';
import type { Compression } from './copy-worker.ts';
import type { CopyWorkers } from './copy-workers.ts';
import type { CoreDescription, DumpContext } from './dump-context.ts';
import type { DumpOptions, DumpRequest } from './dump-options.ts';
import type { PhaseReport } from './dump-report.ts';
import type { KeptPages } from './kept-pages.ts';
import { isFlattened } from './output-target.ts';
import { progressReporter } from './progress.ts';
import { addCalls } from './read-planner.ts';
import { scrubDescription } from './scrub-description.ts';

/** Pages that are copied to one writer. */
export interface DumpJob {
  readonly writer: DumpWriter;
  /** What is copied. */
  readonly kept: KeptPages;
  /** Whether pages of zeros are found and share one (dump level bit 0). */
  readonly shareZeroPages: boolean;
  /** How they are stored; raw when absent. */
  readonly compression: Compression | undefined;
  /** The threads that read and encode them; this one when absent. */
  readonly workers: CopyWorkers | undefined;
}

/** What holds for all jobs that are copied at the same time. */
export interface CopyConditions {
  readonly costs: ReadCosts;
  /** Aborted by the user, or when anything fails. */
  readonly signal: AbortSignal;
  /** Aborts the signal. */
  readonly onFailure: (error: unknown) => void;
}

/** Runs the phases of a dump and keeps what the report needs of each. */
export class DumpRun {
  readonly phases: PhaseReport[] = [];
  readonly #context: DumpContext;
  readonly #before: SourceCalls;
  readonly #options: DumpOptions;
  readonly #sizes: PassSizes;
  readonly #scrub: ScrubPlan;
  readonly #signal: AbortSignal;
  readonly #flattened: boolean;

  constructor(context: DumpContext, request: DumpRequest, scrub: ScrubPlan, signal: AbortSignal) {
    const { options, sizes } = request;
    this.#flattened = isFlattened(request.target, options);
    this.#context = context;
    this.#sizes = sizes;
    this.#before = callsOf(context.source);
    this.#options = options;
    this.#scrub = scrub;
    this.#signal = signal;
  }

  /** Bytes of memory that are scrubbed. */
  get scrubbed(): number {
    return this.#scrub.ranges.reduce((sum, { start, end }) => sum + (end - start), 0);
  }

  /** Maps that failed since this began, by reason. */
  get mapFailures(): Readonly<Record<string, number>> {
    return callsBetween(this.#before, callsOf(this.#context.source)).mapFailures;
  }

  /**
   * What is done with a core and its pages, piece by piece; pages can be judged again. What the core says of itself is found
   * by calls on it, too.
   */
  async classify<T>(
    level: number,
    piecePages: number,
    use: (core: CoreDescription, pieces: AsyncIterable<Classification>, judge: PageJudge) => Promise<T>,
  ): Promise<T> {
    let judging = 0;
    const onTime = (milliseconds: number) => {
      judging += milliseconds;
    };
    const used = await this.#phase('classify', (report) => {
      const scan = {
        signal: this.#signal,
        select: this.#options.select,
        onProgress: ({ pages, totalPages }: ScanProgress) => report(pages, totalPages),
      };
      const judge = this.#context.judge(level);
      const core = scrubDescription(this.#context.describe(judge, this.#scrub.ranges), this.#scrub);
      return use(core, timed(judge.pieces(level, scan, piecePages), onTime), judge);
    });
    this.#addToLast({ judging: Math.round(judging * 1e6) });
    return used;
  }

  /**
   * Measures on the first pages that are kept. Records of a flattened dump are as long as what is written at a time, which
   * depends on the plan: it is not measured, so that the same dump has the same records.
   */
  calibrate(kept: KeptPages): Promise<ReadCosts> {
    return this.#phase('calibrate', async () => {
      const known = this.#options.costs ?? (this.#flattened ? this.#sizes.profile.costs : undefined);
      const options = { ...this.#options, costs: known };
      for await (const piece of kept.pieces()) return this.#context.readCosts(piece, options);
      throw new Error('a bitmap has at least one piece');
    });
  }

  /** Copies the pages of all jobs at the same time, and completes what they are written to. The first that fails ends all. */
  async copy(
    phase: 'zeros' | 'write',
    jobs: readonly DumpJob[],
    conditions: CopyConditions,
  ): Promise<CopyResult> {
    const totalPages = jobs.reduce((sum, { kept }) => sum + kept.count, 0);
    const copied = await this.#phase(phase, async (report) => {
      const done = jobs.map(() => 0);
      const onPages = (job: number, pages: number) => {
        done[job] = pages;
        report(
          done.reduce((sum, count) => sum + count, 0),
          totalPages,
        );
      };
      const result = sumOf(await this.#all(jobs, conditions, onPages));
      report(result.pages, totalPages);
      return result;
    });
    this.#addToLast({ predicted: copied.predicted });
    return copied;
  }

  /** What is known of the last phase beside its time and its calls. */
  #addToLast(more: Partial<PhaseReport>): void {
    this.phases.push({ ...this.phases.pop()!, ...more });
  }

  /**
   * Copies each job's pages and brings them to the disk, then completes all: a set of files of which one failed has no
   * complete one.
   */
  async #all(
    jobs: readonly DumpJob[],
    { costs, signal, onFailure }: CopyConditions,
    onPages: (job: number, pages: number) => void,
  ): Promise<CopyResult[]> {
    const readers = jobs.reduce((sum, { workers }) => sum + (workers?.count ?? 1), 0);
    const { profile, batch } = this.#sizes;
    const limits = profile.limits(this.#options.objective ?? 'time', readers);
    const results = await allOrNone(jobs, signal, async (job, signal, i) => {
      await job.writer.begin();
      const result = await copyPages({
        ...this.#context,
        ...job,
        costs,
        limits,
        batch,
        scrub: this.#scrub.ranges,
        strict: this.#options.strict ?? false,
        signal,
        onFailure,
        onPages: (pages) => onPages(i, pages),
      });
      await job.writer.settle();
      return result;
    });
    await allOrNone(jobs, signal, ({ writer }) => writer.finish());
    return results;
  }

  async #phase<T>(
    phase: PhaseReport['phase'],
    work: (report: (pages: number, totalPages: number) => void) => Promise<T>,
  ): Promise<T> {
    const { source, pageSize } = this.#context;
    const before = callsOf(source);
    const started = performance.now();
    const result = await work(progressReporter(phase, pageSize, this.#options.onProgress));
    const duration = Math.round((performance.now() - started) * 1e6);
    this.phases.push({ phase, duration, calls: callsBetween(before, callsOf(source)).counters });
    return result;
  }
}

/** The same items; `onTime` is told how many milliseconds each one took to come, and the end. */
async function* timed<T>(items: AsyncIterable<T>, onTime: (milliseconds: number) => void): AsyncGenerator<T> {
  let asked = performance.now();
  for await (const item of items) {
    onTime(performance.now() - asked);
    yield item;
    asked = performance.now();
  }
  onTime(performance.now() - asked);
}

/** Works on all items at the same time. Rejects with the first error, once nothing is under way any more. */
async function allOrNone<T, R>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal, index: number) => Promise<R>,
): Promise<R[]> {
  const failure = new AbortController();
  const either = items.length > 1 ? AbortSignal.any([signal, failure.signal]) : signal;
  const running = items.map((item, i) => work(item, either, i));
  for (const one of running) one.catch((error) => failure.abort(error));
  await Promise.allSettled(running);
  if (failure.signal.aborted) throw failure.signal.reason;
  return Promise.all(running);
}

function sumOf(results: readonly CopyResult[]): CopyResult {
  return results.reduce((sum, next) => ({
    pages: sum.pages + next.pages,
    zeroPages: sum.zeroPages + next.zeroPages,
    unreadable: [...sum.unreadable, ...next.unreadable].slice(0, UNREADABLE_LISTED),
    unreadablePages: sum.unreadablePages + next.unreadablePages,
    predicted: addCalls(sum.predicted, next.predicted),
  }));
}
