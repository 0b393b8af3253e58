import { codec } from '../codecs/registry.ts';
import { isVmcoreError } from '../errors.ts';
import { PageBitmap } from '../filter/bitmap.ts';
import { addCounts, type ClassificationCounts, onlyPiece, pieces } from '../filter/classify.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import { type ExistingPages, existingPages } from '../filter/existing-pages.ts';
import { STATUS_INCOMPLETE } from '../formats/kdump-layout.ts';
import { type KdumpDescription, KdumpWriter } from '../output/kdump.ts';
import type { Sink } from '../output/sink.ts';
import { type SplitPart, splitRanges } from '../output/split.ts';
import type { Compression } from './copy-worker.ts';
import type { CoreDescription, DumpContext } from './dump-context.ts';
import { type DumpOptions, type DumpRequest, dumpRequest } from './dump-options.ts';
import { type DumpReport, dumpReport, type FailedLevel, type LevelResult } from './dump-report.ts';
import { type CopyConditions, type DumpJob, DumpRun } from './dump-run.ts';
import { DumpWorkers } from './dump-workers.ts';
import { elfJob } from './elf-job.ts';
import { holdErrors } from './held-errors.ts';
import { forgottenPages, heldPages, type KeptPages, keptWithin } from './kept-pages.ts';
import { type DumpTarget, filesOf, isStream, openOutputs } from './output-target.ts';

/**
 * Writes a dump of a core. Everything that can be wrong with the request is found before an output is made.
 * @throws VmcoreError, or the signal's reason; what is left of the output then says `onFailure`.
 */
export async function writeDump(
  context: DumpContext,
  target: DumpTarget,
  options: DumpOptions,
  signal: AbortSignal,
): Promise<DumpReport> {
  const request = dumpRequest(target, options, context);
  signal.throwIfAborted();
  using _ = isStream(target) ? holdErrors(target) : undefined;
  const scrub = await context.planScrub(options.scrub ?? [], signal);
  const run = new DumpRun(context, request, scrub, signal);
  const failed: FailedLevel[] = [];
  for (const [i, level] of request.levels.entries()) {
    const isLast = i === request.levels.length - 1;
    try {
      const attempt = new LevelAttempt(run, context, request, signal);
      return dumpReport(run, request, await attempt.write(level, isLast), failed);
    } catch (error) {
      if (isLast || !isVmcoreError(error, 'ERR_VMCORE_NO_SPACE')) throw error;
      failed.push({ level, error });
    }
  }
  throw new Error('a request has at least one level');
}

/** How work ends before its time. */
type Ending = Pick<CopyConditions, 'signal' | 'onFailure'>;

/** One level of a dump: its outputs, and what becomes of them. */
class LevelAttempt {
  readonly #run: DumpRun;
  readonly #context: DumpContext;
  readonly #request: DumpRequest;
  readonly #signal: AbortSignal;
  #jobs: readonly DumpJob[] = [];

  constructor(run: DumpRun, context: DumpContext, request: DumpRequest, signal: AbortSignal) {
    this.#run = run;
    this.#context = context;
    this.#request = request;
    this.#signal = signal;
  }

  /** With `isLast`, what is left of a failure may be kept. */
  async write(level: number, isLast: boolean): Promise<LevelResult> {
    const { target, options } = this.#request;
    const jobs = Math.max(1, filesOf(target).length);
    await using workers = new DumpWorkers(this.#request.sizes.workers, jobs, this.#context.source);
    const failure = new AbortController();
    const signal = AbortSignal.any([this.#signal, workers.failure, failure.signal]);
    const onFailure = (error: unknown) => failure.abort(error);
    const sinks = await openOutputs(target, options, signal);
    try {
      return await this.#write(level, sinks, workers, { signal, onFailure });
    } catch (error) {
      const mayKeep = isLast || !isVmcoreError(error, 'ERR_VMCORE_NO_SPACE');
      await this.#abandon(sinks, mayKeep ? (options.onFailure ?? 'keep') : 'remove');
      throw error;
    }
  }

  async #write(
    level: number,
    sinks: readonly Sink[],
    workers: DumpWorkers,
    ending: Ending,
  ): Promise<LevelResult> {
    if (this.#request.format === 'elf') return this.#writeElf(level, sinks[0]!, workers, ending);
    const found = await this.#classify(level, sinks);
    const { classification, kept, writers, core } = found;
    const conditions = { costs: await this.#run.calibrate(kept), ...ending };
    const ranges = await this.#divide(kept, writers);
    const jobs = writers.map((writer, i): DumpJob => {
      const part = ranges?.[i];
      return {
        writer,
        kept: part ? keptWithin(kept, part) : kept,
        shareZeroPages: (level & LEVEL_ZERO) !== 0,
        compression: this.#compression,
        workers: workers.of(i),
      };
    });
    const copied = await this.#copy(jobs, conditions);
    return { level, core, classification, copied, zero: copied.zeroPages, sinks, ranges };
  }

  /** Writes the bitmaps while pages are judged, so that of those of a large core only a piece is in memory. */
  #classify(level: number, sinks: readonly Sink[]) {
    const { piecePages } = this.#request;
    return this.#run.classify(level, piecePages, async (core, pieces, judge) => {
      const { maxMapnr } = core.headers;
      const writers = sinks.map((sink, i) => new KdumpWriter(this.#description(core, level, i), sink));
      for (const writer of writers) await writer.announce(this.#existing(maxMapnr, piecePages));
      let classification: ClassificationCounts | undefined;
      let bitmap = new PageBitmap(0);
      for await (const piece of pieces) {
        classification = addCounts(classification, piece);
        bitmap = piece.bitmap;
        for (const writer of writers) await writer.addBitmap(bitmap.bytes);
      }
      if (!classification) throw new Error('a core has at least one piece');
      const isWhole = bitmap.firstPfn === 0;
      const kept = isWhole
        ? heldPages(bitmap)
        : forgottenPages({
            count: classification.kept,
            maxMapnr,
            piecePages,
            writer: writers[0]!,
            classifyAgain: () => judge.pieces(level, { signal: this.#signal }, piecePages),
          });
      return { classification, kept, writers, core };
    });
  }

  /** Bitmap 1, in pieces. */
  *#existing(maxMapnr: number, piecePages: number): Generator<Uint8Array> {
    const { extents, pageSize } = this.#context;
    let existing: ExistingPages | undefined;
    for (const [firstPfn, endPfn] of pieces(maxMapnr, piecePages)) {
      existing = existingPages(extents, pageSize, endPfn, firstPfn, existing);
      yield existing.all.bytes;
    }
  }

  async #writeElf(level: number, sink: Sink, workers: DumpWorkers, ending: Ending): Promise<LevelResult> {
    const all = Number.POSITIVE_INFINITY;
    const found = await this.#run.classify(level, all, async (core, pieces, judge) => {
      return { core, classification: await onlyPiece(pieces), judge };
    });
    const { core, classification } = found;
    const conditions = { costs: await this.#run.calibrate(heldPages(classification.bitmap)), ...ending };
    const output = { sink, workers: workers.of(0) };
    const job = await elfJob(this.#run, this.#context.pageSize, found, conditions, output);
    const copied = await this.#copy([job], conditions);
    return { level, core, classification, copied, zero: job.zero, sinks: [sink], ranges: undefined };
  }

  #copy(jobs: readonly DumpJob[], conditions: CopyConditions) {
    this.#jobs = jobs;
    return this.#run.copy('write', jobs, conditions);
  }

  /** The files of a set divide the pages. A list of one file is a set of one, which is no set. */
  async #divide(kept: KeptPages, writers: readonly KdumpWriter[]): Promise<readonly SplitPart[] | undefined> {
    if (writers.length < 2) return undefined;
    const { splitBlockPages } = this.#request;
    const parts = await splitRanges(kept.pieces(), kept.count, writers.length, splitBlockPages);
    for (const [i, writer] of writers.entries()) await writer.assign(parts[i]!);
    return parts;
  }

  /** Before the writers began there is nothing worth keeping. */
  async #abandon(sinks: readonly Sink[], mode: 'keep' | 'remove'): Promise<void> {
    const outputs = this.#jobs.length > 0 ? this.#jobs.map(({ writer }) => writer) : sinks;
    for (const output of outputs) {
      const left = await output.abort(this.#jobs.length > 0 ? mode : 'remove').catch(() => undefined);
      if (left !== undefined) this.#request.options.onIncomplete?.(left);
    }
  }

  get #compression(): Compression | undefined {
    const { compression, options } = this.#request;
    return compression === 'none' ? undefined : { name: compression, level: options.compressionLevel };
  }

  /** What the file of index `i` says of itself. */
  #description({ headers, incomplete }: CoreDescription, level: number, i: number): KdumpDescription {
    const used = this.#compression;
    return {
      ...headers,
      dumpLevel: level,
      status: incomplete ? STATUS_INCOMPLETE : 0,
      codec: used && codec(used.name, { level: used.level }),
      // A set is put together with the text of every file.
      eraseinfo: i === 0 ? headers.eraseinfo : undefined,
    };
  }
}
