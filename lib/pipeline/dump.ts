import { performance } from 'node:perf_hooks';
import type { ByteSource } from '../access/byte-source.ts';
import { type AccessCounters, countersBetween } from '../access/counters.ts';
import type { ReadCosts, ReadLimits, ReadObjective } from '../access/read-plan.ts';
import type { PageCodec } from '../codecs/codec.ts';
import { type CodecName, codec as makeCodec } from '../codecs/registry.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import type { Classification, ScanOptions } from '../filter/classify.ts';
import { checkDumpLevel, type DumpLevel } from '../filter/dump-level.ts';
import type { PageClass } from '../filter/page-class.ts';
import type { Extents } from '../formats/extents.ts';
import { FileSink } from '../output/file-sink.ts';
import { type KdumpDescription, KdumpWriter } from '../output/kdump.ts';
import type { AbortMode } from '../output/sink.ts';
import { type CopyResult, copyPages, type UnreadablePage } from './copy.ts';
import { type Progress, progress } from './progress.ts';
import type { PredictedCalls } from './read-planner.ts';

/** What a read plan is made for. */
export interface PlanOptions {
  /** The least predicted time (default), or the fewest calls. */
  readonly objective?: ReadObjective | undefined;
  /** What calls and pages cost, in nanoseconds; makes the plan the same every time. Measured on the core by default. */
  readonly costs?: ReadCosts | undefined;
}

/** What is dumped, and how. */
export interface DumpOptions extends PlanOptions {
  /** Which pages are left out. Default 31: all that can be. */
  readonly level?: DumpLevel | undefined;
  /** Default `zstd` where this process has it (see codecs()), else `zlib`. */
  readonly compression?: 'none' | CodecName | undefined;
  /** How hard to compress; default 1. */
  readonly compressionLevel?: number | undefined;
  /** Replace an output that exists: the new dump is written beside it and renamed over it at the end. */
  readonly force?: boolean | undefined;
  /** End the dump at the first page that can't be read, instead of recording it in the report. */
  readonly strict?: boolean | undefined;
  /** What is left of a dump that does not end well: `keep` (default) leaves it marked incomplete. */
  readonly onFailure?: AbortMode | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called some times a second. What it throws ends the dump. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called with its path when an incomplete dump is left behind. */
  readonly onIncomplete?: ((file: string) => void) | undefined;
}

/** One phase of a dump: it is decided which pages are kept, measured what calls cost, and then pages are copied. */
export interface PhaseReport {
  readonly phase: 'classify' | 'calibrate' | 'write';
  /** Nanoseconds on the clock. */
  readonly duration: number;
  /** Calls on the core in this phase. */
  readonly calls: AccessCounters;
  /** The calls that the read plan predicted for it: where no call failed, the very same. */
  readonly predicted?: PredictedCalls;
}

/** What a dump did. Pages are counted once each: `original` = `absent` + all of `excluded` + `written`. */
export interface DumpReport {
  readonly file: string;
  readonly level: number;
  readonly compression: 'none' | CodecName;
  /** False when pages could not be read: the dump is marked incomplete, and can be analysed without them. */
  readonly complete: boolean;
  /** Pages that the core covers. */
  readonly original: number;
  /** Pages without data in the core. */
  readonly absent: number;
  /** Pages left out, by class. */
  readonly excluded: Readonly<Record<PageClass, number>>;
  /** Pages in the dump, those of zeros included. */
  readonly written: number;
  /** Pages of zeros among them, which are stored as one. Counted at levels with bit 0. */
  readonly zero: number;
  /** Struct pages that could not be read; their pages were kept. */
  readonly unreadableStructPages: number;
  /** Pages whose data could not be read, and the first 1000 of them with the reason. */
  readonly unreadablePages: number;
  readonly unreadable: readonly UnreadablePage[];
  /** Size of the dump in bytes. */
  readonly bytes: number;
  /** Maps of the core that failed, so that the range was mapped in parts or read, by reason such as ENOMEM. */
  readonly mapFailures: Readonly<Record<string, number>>;
  readonly phases: readonly PhaseReport[];
  /** Why less was filtered than asked for, and other things to know; empty when all went as it should. */
  readonly warnings: readonly string[];
}

/** The core as a dump needs it. */
export interface DumpContext {
  readonly source: ByteSource;
  readonly extents: Extents;
  readonly pageSize: number;
  readonly limits: ReadLimits;
  /** What reading costs, for a plan of these pages; measures it at the first plan unless it is given. */
  readCosts(kept: PageBitmap, options: PlanOptions): ReadCosts;
  readonly defaultCompression: 'none' | CodecName;
  classify(level: number, options: ScanOptions): Promise<Classification>;
  /** Reads what a dump says of the core. */
  describe(): CoreDescription;
}

/** What a dump says of a core beside its pages. */
export interface CoreDescription {
  /** What the headers say beside what the options and the classification do. */
  readonly headers: Omit<KdumpDescription, 'dumpLevel' | 'bitmap1' | 'bitmap2' | 'codec'>;
  readonly warnings: readonly string[];
}

/** Progress is reported no more often than this, in milliseconds. */
const PROGRESS_MS = 100;

/**
 * Writes a dump of a core to `path`. Everything that can be wrong with the request is found before the file is made.
 * @throws VmcoreError, or the signal's reason; what is left of the output then says `onFailure`.
 */
export async function writeDump(
  context: DumpContext,
  path: string,
  options: DumpOptions,
  signal: AbortSignal,
): Promise<DumpReport> {
  const level = checkDumpLevel(options.level);
  const compression = options.compression ?? context.defaultCompression;
  const codec =
    compression === 'none' ? undefined : makeCodec(compression, { level: options.compressionLevel });
  signal.throwIfAborted();
  const sink = await FileSink.create(path, { force: options.force });
  const run = new DumpRun(context, options, signal);
  let writer: KdumpWriter | undefined;
  try {
    const { headers, warnings, classification } = await run.classify(level);
    const { bitmap, existing } = classification;
    const description = {
      ...headers,
      dumpLevel: level,
      bitmap1: existing.bytes,
      bitmap2: bitmap.bytes,
      codec,
    };
    writer = new KdumpWriter(description, sink);
    const costs = await run.calibrate(bitmap);
    const copied = await run.write(writer, classification, codec, costs);
    const output = { file: path, level, compression, bytes: writer.size, warnings };
    return report(run, output, classification, copied);
  } catch (error) {
    // Before the writer began there is nothing worth keeping.
    const left = await (writer ?? sink)
      .abort(writer ? (options.onFailure ?? 'keep') : 'remove')
      .catch(() => undefined);
    if (left !== undefined) options.onIncomplete?.(left);
    throw error;
  }
}

/** Runs the phases and keeps what the report needs of each. */
class DumpRun {
  readonly phases: PhaseReport[] = [];
  readonly #context: DumpContext;
  readonly #failuresBefore: Readonly<Record<string, number>>;
  readonly #options: DumpOptions;
  readonly #signal: AbortSignal;

  constructor(context: DumpContext, options: DumpOptions, signal: AbortSignal) {
    this.#context = context;
    this.#failuresBefore = { ...context.source.mapFailures };
    this.#options = options;
    this.#signal = signal;
  }

  /** Maps that failed since this began, by reason. */
  get mapFailures(): Record<string, number> {
    const now = Object.entries(this.#context.source.mapFailures);
    const since = now.map(
      ([reason, count]) => [reason, count - (this.#failuresBefore[reason] ?? 0)] as const,
    );
    return Object.fromEntries(since.filter(([, count]) => count > 0));
  }

  /** Includes what the core says of itself: finding it calls on the core, too. */
  classify(level: number): Promise<CoreDescription & { readonly classification: Classification }> {
    return this.#phase('classify', async (report) => ({
      ...this.#context.describe(),
      classification: await this.#context.classify(level, {
        signal: this.#signal,
        onProgress: ({ pages, totalPages }) => report(pages, totalPages),
      }),
    }));
  }

  calibrate(kept: PageBitmap): Promise<ReadCosts> {
    return this.#phase('calibrate', async () => this.#context.readCosts(kept, this.#options));
  }

  async write(
    writer: KdumpWriter,
    classification: Classification,
    codec: PageCodec | undefined,
    costs: ReadCosts,
  ): Promise<CopyResult> {
    const copied = await this.#phase('write', async (report) => {
      await writer.begin();
      const result = await copyPages({
        ...this.#context,
        costs,
        classification,
        codec,
        writer,
        strict: this.#options.strict ?? false,
        signal: this.#signal,
        onPages: (pages) => report(pages, classification.kept),
      });
      report(result.pages, classification.kept);
      await writer.finish();
      return result;
    });
    this.phases.push({ ...this.phases.pop()!, predicted: copied.predicted });
    return copied;
  }

  async #phase<T>(
    phase: PhaseReport['phase'],
    work: (report: (pages: number, totalPages: number) => void) => Promise<T>,
  ): Promise<T> {
    const { source } = this.#context;
    const before = source.counters();
    const started = performance.now();
    const result = await work(this.#reporter(phase, started));
    const duration = Math.round((performance.now() - started) * 1e6);
    this.phases.push({ phase, duration, calls: countersBetween(before, source.counters()) });
    return result;
  }

  /** Hands on the progress of a phase, but not too often. */
  #reporter(phase: PhaseReport['phase'], started: number): (pages: number, totalPages: number) => void {
    let reported = Number.NEGATIVE_INFINITY;
    return (pages, totalPages) => {
      const now = performance.now();
      if (now - reported < PROGRESS_MS && pages < totalPages) return;
      reported = now;
      const bytes = pages * this.#context.pageSize;
      this.#options.onProgress?.(progress(phase, { pages, totalPages, bytes }, started, now));
    };
  }
}

function report(
  run: DumpRun,
  output: Pick<DumpReport, 'file' | 'level' | 'compression' | 'bytes' | 'warnings'>,
  classification: Classification,
  copied: CopyResult,
): DumpReport {
  return {
    ...output,
    complete: copied.unreadablePages === 0,
    original: classification.original,
    absent: classification.absent,
    excluded: classification.counts,
    written: copied.pages,
    zero: copied.zeroPages,
    unreadableStructPages: classification.unreadable,
    unreadablePages: copied.unreadablePages,
    unreadable: copied.unreadable,
    mapFailures: run.mapFailures,
    phases: run.phases,
  };
}
