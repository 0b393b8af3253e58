import { type PassMemory, type PassSizes, PLAIN_DUMP, type WorkerOptions } from '../access/memory-budget.ts';
import type { ReadCosts, ReadObjective } from '../access/read-plan.ts';
import { type CodecName, codec as makeCodec } from '../codecs/registry.ts';
import { argumentError } from '../errors.ts';
import { checkDumpLevel, type DumpLevel } from '../filter/dump-level.ts';
import { PAGE_CLASSES } from '../filter/page-class.ts';
import type { ScrubTarget } from '../filter/scrub-target.ts';
import type { SelectPages } from '../filter/select.ts';
import type { AbortMode } from '../output/sink.ts';
import type { DumpContext } from './dump-context.ts';
import { checkTarget, type DumpTarget, filesOf, isStream, type OutputOptions } from './output-target.ts';
import type { Progress } from './progress.ts';

/** What a read plan is made for. */
export interface PlanOptions extends WorkerOptions {
  /** The least predicted time (default), or the fewest calls. */
  readonly objective?: ReadObjective | undefined;
  /** What calls and pages cost, in nanoseconds; makes the plan the same every time. Measured on the core by default. */
  readonly costs?: ReadCosts | undefined;
}

/** The formats that are written. */
export const DUMP_FORMATS = ['kdump', 'elf'] as const;
/** One of {@link DUMP_FORMATS}. */
export type DumpFormat = (typeof DUMP_FORMATS)[number];

/** What is dumped, and how. */
export interface DumpOptions extends PlanOptions, OutputOptions {
  /** Which pages are left out. Default 31: all that can be. */
  readonly level?: DumpLevel | undefined;
  /**
   * Levels in place of `level`: when there is no room for a dump of the first (disk full, `maxBytes`), it is removed and
   * the next one tried. What is left when none fits says `onFailure`.
   */
  readonly levels?: readonly DumpLevel[] | undefined;
  /** Overrules the level for ranges of pages; called before anything is written. */
  readonly select?: SelectPages | undefined;
  /** What is overwritten before anything is written, in every copy; the dump tells what it was, see ERASEINFO. */
  readonly scrub?: readonly ScrubTarget[] | undefined;
  /** `kdump` (default): kdump-compressed; or `elf`, an ELF64 core, which is not compressed. */
  readonly format?: DumpFormat | undefined;
  /** Default `zstd` where this process has it (see codecs()), else `zlib`. */
  readonly compression?: 'none' | CodecName | undefined;
  /** How hard to compress: 1 to 9 with zlib, -131072 to 22 with zstd, only 1 with lzo and snappy; default 1. */
  readonly compressionLevel?: number | undefined;
  /** Files of a split set begin at multiples of so many bytes of memory, of whole 64 pages. Default 4096 pages. */
  readonly splitBlockBytes?: number | undefined;
  /** End the dump at the first page that can't be read, instead of recording it in the report. */
  readonly strict?: boolean | undefined;
  /** What is left of a dump that does not end well: `keep` (default) leaves it marked incomplete. */
  readonly onFailure?: AbortMode | undefined;
  /**
   * Pages that are classified together, a multiple of 8 times the page size; default what the memory budget allows.
   * @internal
   */
  readonly piecePages?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called some times a second. What it throws ends the dump. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called with its path when an incomplete dump is left behind. */
  readonly onIncomplete?: ((file: string) => void) | undefined;
}

/** Options with their defaults, checked. */
export interface DumpRequest {
  readonly target: DumpTarget;
  readonly options: DumpOptions;
  readonly levels: readonly number[];
  readonly format: DumpFormat;
  readonly compression: 'none' | CodecName;
  /** Of the worker threads for all jobs of a level, and all else that takes memory. */
  readonly sizes: PassSizes;
  readonly splitBlockPages: number | undefined;
  /** Pages that are classified together. */
  readonly piecePages: number;
}

/** A file of a split set begins at a multiple of so many pages: readers count those before it in 64-bit words. */
const SPLIT_PAGES = 64;

/**
 * Checks everything that can be wrong with a request, so that nothing is written by one that is.
 * @throws VmcoreError ERR_VMCORE_ARGUMENT, ERR_VMCORE_CODEC.
 */
export function dumpRequest(
  target: DumpTarget,
  options: DumpOptions,
  core: Pick<DumpContext, 'fit' | 'defaultCompression' | 'inputLevel' | 'isLive' | 'pageSize'>,
): DumpRequest {
  checkTarget(target, options);
  const format = options.format ?? 'kdump';
  if (!DUMP_FORMATS.includes(format)) {
    throw argumentError(`a format is one of ${DUMP_FORMATS.join(', ')}, not ${String(format)}`);
  }
  const isSplit = typeof target !== 'string' && !isStream(target);
  if (format === 'elf' && isSplit) throw argumentError('only a kdump-compressed dump can be split');
  const memory = dumpMemory(target, options, core.isLive);
  const sizes = core.fit(memory, options);
  return {
    target,
    options,
    levels: dumpLevels(target, options).map((level) => level | core.inputLevel),
    format,
    compression: dumpCompression(format, options, core.defaultCompression),
    sizes,
    splitBlockPages: splitBlock(options.splitBlockBytes, core.pageSize),
    piecePages: (memory.inPieces && checkPiece(options.piecePages, core.pageSize)) || sizes.piecePages,
  };
}

/** Bitmaps beside those of a plain dump: of ELF, which zeros are cut out, and what is never written. */
const ELF_BITMAPS = 6;
/** Of `select`: what it drops, and each class. */
const SELECT_BITMAPS = 1 + PAGE_CLASSES.length;

function dumpMemory(
  target: DumpTarget,
  { format, select, objective = 'time' }: DumpOptions,
  isLive: boolean,
): PassMemory {
  const writers = Math.max(1, filesOf(target).length);
  const bitmaps =
    PLAIN_DUMP.bitmaps +
    (format === 'elf' ? ELF_BITMAPS : 0) +
    (select ? SELECT_BITMAPS : 0) +
    // For each file of a set a piece is read back, and it has the bits of its pages.
    (writers > 1 ? 2 * writers : 0);
  // An ELF core has its headers before its data, select() is asked about whole runs, and what a running kernel uses a page
  // for can't be judged twice: these need all pages at once.
  return { bitmaps, inPieces: format !== 'elf' && !select && !isLive, writers, objective };
}

/** Whole blocks of a dump's bitmaps. */
function checkPiece(pages: number | undefined, pageSize: number): number | undefined {
  const unit = pageSize * 8;
  if (pages === undefined || (Number.isSafeInteger(pages) && pages > 0 && pages % unit === 0)) return pages;
  throw argumentError(`piecePages is a multiple of ${unit}, not ${pages}`);
}

/** Bytes as pages. */
function splitBlock(bytes: number | undefined, pageSize: number): number | undefined {
  if (bytes === undefined) return undefined;
  const unit = SPLIT_PAGES * pageSize;
  if (Number.isSafeInteger(bytes) && bytes > 0 && bytes % unit === 0) return bytes / pageSize;
  throw argumentError(
    `splitBlockBytes is a multiple of ${unit} bytes (${SPLIT_PAGES} pages), not ${String(bytes)}`,
  );
}

function dumpLevels(target: DumpTarget, { level, levels }: DumpOptions): number[] {
  if (levels === undefined) return [checkDumpLevel(level)];
  if (level !== undefined) throw argumentError('either level or levels, not both');
  if (!Array.isArray(levels) || levels.length === 0)
    throw argumentError('levels is a list of at least one level');
  if (levels.length > 1 && isStream(target)) {
    throw argumentError('a stream takes one level: what was sent can not be taken back');
  }
  return levels.map((one) => checkDumpLevel(one));
}

function dumpCompression(
  format: DumpFormat,
  { compression, compressionLevel: level }: DumpOptions,
  standard: () => CodecName,
): 'none' | CodecName {
  const name = compression ?? (format === 'elf' ? 'none' : standard());
  if (name === 'none') return name;
  if (format === 'elf') throw argumentError(`an ELF core is not compressed, so not with ${String(name)}`);
  makeCodec(name, { level });
  return name;
}
