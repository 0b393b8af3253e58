import { codec } from '../codecs/registry.ts';
import { isVmcoreError } from '../errors.ts';
import { PageBitmap } from '../filter/bitmap.ts';
import type { Classification } from '../filter/classify.ts';
import { KdumpWriter } from '../output/kdump.ts';
import type { Sink } from '../output/sink.ts';
import { type PfnRange, splitRanges } from '../output/split.ts';
import type { CopyWorkers } from './copy-workers.ts';
import type { CoreDescription, DumpContext } from './dump-context.ts';
import { type DumpOptions, type DumpRequest, dumpRequest } from './dump-options.ts';
import { type DumpReport, dumpReport, type FailedLevel, type LevelResult } from './dump-report.ts';
import { type CopyConditions, type DumpJob, DumpRun } from './dump-run.ts';
import { DumpWorkers } from './dump-workers.ts';
import { elfJob } from './elf-job.ts';
import { type DumpTarget, filesOf, openOutputs } from './output-target.ts';

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
    const signal = AbortSignal.any([this.#signal, workers.failure]);
    const sinks = await openOutputs(target, options, signal);
    try {
      return await this.#write(level, sinks, workers, signal);
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
    signal: AbortSignal,
  ): Promise<LevelResult> {
    const { classification, ...core } = await this.#run.classify(level);
    const costs = await this.#run.calibrate(classification.bitmap);
    const conditions = { costs, signal };
    const result = { level, classification, sinks, warnings: core.warnings };
    if (this.#request.format === 'elf') {
      const output = { sink: sinks[0]!, workers: workers.of(0) };
      const job = await elfJob(this.#run, this.#context, core, classification, conditions, output);
      const copied = await this.#copy([job], conditions);
      return { ...result, copied, zero: job.zero, ranges: undefined };
    }
    const ranges = this.#ranges(classification.bitmap, sinks.length);
    const jobs = sinks.map((sink, i) => {
      const part = { sink, range: ranges?.[i], isFirst: i === 0, workers: workers.of(i) };
      return kdumpJob(this.#request, core, classification, part);
    });
    const copied = await this.#copy(jobs, conditions);
    return { ...result, copied, zero: copied.zeroPages, ranges };
  }

  #copy(jobs: readonly DumpJob[], conditions: CopyConditions) {
    this.#jobs = jobs;
    return this.#run.copy('write', jobs, conditions);
  }

  /** A list of one file is a set of one, which is no set. */
  #ranges(kept: PageBitmap, files: number): readonly PfnRange[] | undefined {
    return files > 1 ? splitRanges(kept, files, this.#request.splitBlockPages) : undefined;
  }

  /** Before the writers began there is nothing worth keeping. */
  async #abandon(sinks: readonly Sink[], mode: 'keep' | 'remove'): Promise<void> {
    const outputs = this.#jobs.length > 0 ? this.#jobs.map(({ writer }) => writer) : sinks;
    for (const output of outputs) {
      const left = await output.abort(this.#jobs.length > 0 ? mode : 'remove').catch(() => undefined);
      if (left !== undefined) this.#request.options.onIncomplete?.(left);
    }
  }
}

/** A whole kdump-compressed dump, or a file of a split set. */
interface KdumpPart {
  readonly sink: Sink;
  /** The pages of the file; undefined for all. */
  readonly range: PfnRange | undefined;
  readonly isFirst: boolean;
  readonly workers: CopyWorkers | undefined;
}

function kdumpJob(
  { compression, options }: DumpRequest,
  { headers }: CoreDescription,
  classification: Classification,
  { sink, range, isFirst, workers }: KdumpPart,
): DumpJob {
  const { bitmap, existing, level } = classification;
  const used = compression === 'none' ? undefined : { name: compression, level: options.compressionLevel };
  const description = {
    ...headers,
    dumpLevel: level,
    bitmap1: existing.bytes,
    bitmap2: bitmap.bytes,
    codec: used && codec(used.name, { level: used.level }),
    split: range,
    // A set is put together with the text of every file.
    eraseinfo: isFirst ? headers.eraseinfo : undefined,
  };
  const writer = new KdumpWriter(description, sink);
  return {
    writer,
    compression: used,
    workers,
    classification: range ? { ...classification, bitmap: part(bitmap, range) } : classification,
  };
}

/** The bits of a range. What lies before it is never touched, and takes no memory. */
function part(bitmap: PageBitmap, { startPfn, endPfn }: PfnRange): PageBitmap {
  const copy = new PageBitmap(endPfn);
  const first = Math.floor(startPfn / 8);
  copy.bytes.set(bitmap.bytes.subarray(first, copy.bytes.length), first);
  copy.clear(first * 8, startPfn);
  const bits = endPfn % 8;
  if (bits !== 0 && endPfn > startPfn) copy.bytes[copy.bytes.length - 1]! &= (1 << bits) - 1;
  return copy;
}
