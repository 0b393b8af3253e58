import { type CodecName, codec, codecs } from '../codecs/registry.ts';
import { argumentError, isVmcoreError } from '../errors.ts';
import { type Classification, onlyPiece, type ScanProgress } from '../filter/classify.ts';
import {
  checkDumpLevel,
  type DumpLevel,
  LEVEL_MAX,
  LEVEL_WITHOUT_KERNEL,
  LEVEL_ZERO,
} from '../filter/dump-level.ts';
import type { PageJudge } from '../filter/page-judge.ts';
import type { SelectPages } from '../filter/select.ts';
import { KdumpWriter } from '../output/kdump.ts';
import { NullSink } from '../output/null-sink.ts';
import type { CoreDescription, DumpContext } from '../pipeline/dump-context.ts';
import { type Progress, progressReporter } from '../pipeline/progress.ts';
import type { EstimatedTotal } from './interval.ts';
import { LevelSample } from './level-sample.ts';
import type { Storage } from './page-sizes.ts';
import { FIRST_DRAW, SMALLEST_LIMIT } from './region-sample.ts';

/** What is estimated, and how well. */
export interface EstimateOptions {
  /** Default 0, 1 and 31; of a core whose pages can't be classified 0 and 1. */
  readonly levels?: readonly DumpLevel[] | undefined;
  /** Default `none` and every codec that this process has, see codecs(). */
  readonly compressions?: readonly ('none' | CodecName)[] | undefined;
  /** How hard all of them compress, in the range of each (lzo and snappy have 1 alone); default 1. */
  readonly compressionLevel?: number | undefined;
  /** Pages are sampled until each interval reaches no further from its estimate than this part of it. Default 0.05. */
  readonly precision?: number | undefined;
  /** Pages that are read of each level at most, however wide the intervals are then: 2048 or more, default 131072. */
  readonly maxPages?: number | undefined;
  /** The same one draws the same pages: an integer from 1 on, below 2 ** 31 - 1. Default 1. */
  readonly seed?: number | undefined;
  /** Overrules the level for ranges of pages, as in a dump. */
  readonly select?: SelectPages | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called some times a second, in phases `classify` and `sample`. What it throws ends the work. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How large a kdump-compressed dump would be. */
export interface SizeEstimate {
  /** That of a core that was filtered before is added to what was asked for. */
  readonly level: number;
  readonly compression: 'none' | CodecName;
  /** Bytes, headers included. Exact when `low` and `high` are the same. */
  readonly bytes: number;
  /** The size lies between these: in 19 of 20 reports, all sizes do. */
  readonly low: number;
  readonly high: number;
  /** Bytes of it that are known: headers, notes, bitmaps and descriptors. */
  readonly headerBytes: number;
  /** Pages in the dump. */
  readonly pages: number;
  /** Pages that were read to find this out. */
  readonly sampledPages: number;
}

/** What core.estimate() found. */
export interface EstimateReport {
  /** Each level with each compression. */
  readonly sizes: readonly SizeEstimate[];
  /** Why less can be filtered than a dump should, and other things to know; empty when there is nothing. */
  readonly warnings: readonly string[];
}

/** The core as an estimate needs it. */
export type EstimateContext = Pick<
  DumpContext,
  'source' | 'extents' | 'pageSize' | 'fit' | 'inputLevel' | 'judge' | 'describe'
>;

/** An estimate's options, checked. */
interface CheckedOptions {
  /** Those that were asked for. */
  readonly levels: readonly number[] | undefined;
  readonly ways: readonly Storage[];
  readonly precision: number;
  readonly maxPages: number;
  readonly seed: number;
  readonly options: EstimateOptions;
}

interface EstimateRequest extends CheckedOptions {
  readonly levels: readonly number[];
}

const DEFAULT_LEVELS: readonly number[] = [0, 1, LEVEL_MAX];
const DEFAULT_PRECISION = 0.05;
/** 512 MiB: at a precision of 0.05 enough where one page of 85 has data. */
const DEFAULT_PAGES = 1 << 17;
const SEED_END = 2 ** 31 - 1;

/**
 * Estimates the sizes of dumps from a sample of the pages they would have. What does not depend on what is in the pages
 * is exact. Each level is estimated for itself, all compressions from the same pages.
 */
export async function estimateSizes(
  context: EstimateContext,
  options: EstimateOptions,
  signal: AbortSignal,
): Promise<EstimateReport> {
  const checked = checkRequest(options);
  signal.throwIfAborted();
  const { judge, levels } = judgeLevels(context, checked.levels);
  const request = { ...checked, levels: [...new Set(levels.map((level) => level | context.inputLevel))] };
  const description = context.describe(judge, []);
  const sizes: SizeEstimate[] = [];
  for (const level of request.levels) {
    const classification = await classify(judge, context.pageSize, level, options, signal);
    sizes.push(...(await estimateLevel(context, description, classification, request, signal)));
  }
  return { sizes, warnings: description.warnings };
}

/** @throws VmcoreError ERR_VMCORE_ARGUMENT, ERR_VMCORE_CODEC. */
function checkRequest(options: EstimateOptions): CheckedOptions {
  const { compressionLevel, precision = DEFAULT_PRECISION, maxPages = DEFAULT_PAGES, seed = 1 } = options;
  const levels = options.levels && checkList('levels', options.levels).map((level) => checkDumpLevel(level));
  const compressions = checkList('compressions', options.compressions ?? availableCompressions());
  if (!(precision > 0 && precision <= 1))
    throw argumentError(`precision is a part of the size up to 1, not ${precision}`);
  if (!Number.isSafeInteger(maxPages) || maxPages < SMALLEST_LIMIT) {
    throw argumentError(`maxPages is a number of pages from ${SMALLEST_LIMIT} on, not ${maxPages}`);
  }
  if (!Number.isInteger(seed) || seed < 1 || seed >= SEED_END) {
    throw argumentError(`seed is an integer from 1 on, below ${SEED_END}, not ${seed}`);
  }
  const ways = compressions.map((name) => {
    if (name === 'none') return { compression: undefined, compressionLevel: undefined };
    codec(name, { level: compressionLevel });
    return { compression: name, compressionLevel };
  });
  return { levels, ways, precision, maxPages, seed, options };
}

/** Where nothing was said of levels, those that work. */
function judgeLevels(context: EstimateContext, asked: readonly number[] | undefined) {
  const levels = asked ?? DEFAULT_LEVELS;
  try {
    return { levels, judge: context.judge(levels.reduce((union, level) => union | level, 0)) };
  } catch (error) {
    if (asked || !isVmcoreError(error)) throw error;
    const judge = context.judge(LEVEL_WITHOUT_KERNEL);
    return {
      levels: judge.problem ? levels.filter((level) => level <= LEVEL_WITHOUT_KERNEL) : levels,
      judge,
    };
  }
}

function checkList<T>(name: string, list: readonly T[]): readonly T[] {
  if (Array.isArray(list) && list.length > 0) return list;
  throw argumentError(`${name} is a list of at least one`);
}

function availableCompressions(): ('none' | CodecName)[] {
  const available = Object.entries(codecs()).filter(([, { available }]) => available);
  return ['none', ...available.map(([name]) => name as CodecName)];
}

async function classify(
  judge: PageJudge,
  pageSize: number,
  level: number,
  { select, onProgress }: EstimateOptions,
  signal: AbortSignal,
): Promise<Classification> {
  const report = progressReporter('classify', pageSize, onProgress);
  const scan = {
    signal,
    select,
    onProgress: ({ pages, totalPages }: ScanProgress) => report(pages, totalPages),
  };
  return onlyPiece(judge.pieces(level, scan, Number.POSITIVE_INFINITY));
}

async function estimateLevel(
  context: EstimateContext,
  description: CoreDescription,
  classification: Classification,
  request: EstimateRequest,
  signal: AbortSignal,
): Promise<SizeEstimate[]> {
  const { level, kept } = classification;
  const headerBytes = await headerSize(description, classification);
  const sharesZeros = (level & LEVEL_ZERO) !== 0;
  // A raw page that shares nothing is a page.
  const isKnown = ({ compression }: Storage) => compression === undefined && !sharesZeros;
  const unknown = request.ways.filter((way) => !isKnown(way));
  const sample = new LevelSample(context, classification, unknown, request.seed);
  const report = progressReporter('sample', context.pageSize, request.options.onProgress);
  const totals = unknown.length > 0 ? await growSample(sample, headerBytes, request, report, signal) : [];
  return request.ways.map((way) => {
    const raw = kept * context.pageSize;
    const pages = isKnown(way) ? { bytes: raw, low: raw, high: raw } : totals[unknown.indexOf(way)]!;
    return {
      level,
      compression: way.compression ?? 'none',
      bytes: headerBytes + Math.round(pages.bytes),
      low: headerBytes + Math.floor(pages.low),
      high: headerBytes + Math.ceil(pages.high),
      headerBytes,
      pages: kept,
      sampledPages: isKnown(way) ? 0 : sample.size,
    };
  });
}

/** Draws twice as many pages each time, until the intervals are narrow enough. */
async function growSample(
  sample: LevelSample,
  headerBytes: number,
  { precision, maxPages, levels, ways }: EstimateRequest,
  report: (pages: number, totalPages: number) => void,
  signal: AbortSignal,
): Promise<EstimatedTotal[]> {
  for (let count = FIRST_DRAW; ; count *= 2) {
    await sample.growTo(count, report, signal);
    const totals = sample.totals(levels.length * ways.length);
    const isNarrow = totals.every(({ bytes, low, high }) => {
      return Math.max(high - bytes, bytes - low) <= precision * (headerBytes + bytes);
    });
    if (isNarrow || sample.isWhole || sample.sizeAt(2 * count) > maxPages) return totals;
  }
}

/** What a dump has before its pages, and the text of what was erased behind them: as the writer itself has it. */
async function headerSize(
  { headers }: CoreDescription,
  { bitmap, existing, level }: Classification,
): Promise<number> {
  const writer = new KdumpWriter({ ...headers, dumpLevel: level }, new NullSink('estimate'));
  await writer.beginWith({ bitmap1: existing.bytes, bitmap2: bitmap.bytes });
  return writer.size + (headers.eraseinfo?.length ?? 0);
}
