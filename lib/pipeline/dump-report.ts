import type { AccessCounters } from '../access/counters.ts';
import type { CodecName } from '../codecs/registry.ts';
import type { VmcoreError } from '../errors.ts';
import type { ClassificationCounts } from '../filter/classify.ts';
import type { PageClass } from '../filter/page-class.ts';
import type { Sink } from '../output/sink.ts';
import type { PfnRange } from '../output/split.ts';
import type { CopyResult } from './copy.ts';
import type { UnreadablePage } from './copy-job.ts';
import type { CoreDescription } from './dump-context.ts';
import type { DumpFormat, DumpRequest } from './dump-options.ts';
import type { DumpRun } from './dump-run.ts';
import { isFlattened } from './output-target.ts';
import type { PredictedCalls } from './read-planner.ts';

/** One phase of a dump. */
export interface PhaseReport {
  /**
   * It is decided which pages are kept (`classify`), measured what calls cost (`calibrate`), for an ELF core looked which
   * pages have only zeros (`zeros`), and then pages are copied (`write`). Each level that is tried begins anew.
   */
  readonly phase: 'classify' | 'calibrate' | 'zeros' | 'write';
  /** Nanoseconds on the clock. */
  readonly duration: number;
  /** Nanoseconds. Of those of `classify`: judging pages. The rest goes to finding their struct pages, and to writing the bitmaps. */
  readonly judging?: number;
  /** Calls on the core in this phase. */
  readonly calls: AccessCounters;
  /** The calls that the read plan predicted for it: where no call failed, the very same. */
  readonly predicted?: PredictedCalls;
}

/** A level that there was no room for. */
export interface FailedLevel {
  readonly level: number;
  /** ERR_VMCORE_NO_SPACE. */
  readonly error: VmcoreError;
}

/** One file of a split set. */
export interface DumpMember extends PfnRange {
  readonly file: string;
  /** Size in bytes. */
  readonly bytes: number;
}

/** What a dump did. Pages are counted once each: `original` = `absent` + `excluded` + `deselected` + `written`. */
export interface DumpReport {
  /** Its path; `stream` for a stream without one, and the first file of a split set. */
  readonly file: string;
  /** The files of a split set. */
  readonly members?: readonly DumpMember[];
  readonly format: DumpFormat;
  readonly flattened: boolean;
  /** True when nothing was written: what the dump would be. */
  readonly dryRun: boolean;
  /** The level that was used: that of a core that was filtered before is added to what was asked for. */
  readonly level: number;
  /** Levels that were tried before, for which there was no room. */
  readonly failedLevels: readonly FailedLevel[];
  readonly compression: 'none' | CodecName;
  /**
   * False when pages could not be read, or the core is incomplete itself: so is the dump then, and marked so. It can be
   * analysed without them.
   */
  readonly complete: boolean;
  /** Pages that the core covers. */
  readonly original: number;
  /** Pages without data in the core. */
  readonly absent: number;
  /** Pages left out, by class. */
  readonly excluded: Readonly<Record<PageClass, number>>;
  /** Pages that the level would keep and `select` left out. */
  readonly deselected: number;
  /** Pages in the dump, those of zeros included. */
  readonly written: number;
  /** Pages of zeros among them, which are stored as one, or not at all in an ELF core. Counted at levels with bit 0. */
  readonly zero: number;
  /** Pages whose data is stored. An ELF core has some that were left out, too, where there are few between others. */
  readonly stored: number;
  /** Bytes of memory that `scrub` had overwritten where the dump has them. */
  readonly scrubbed: number;
  /** Struct pages that could not be read; their pages were kept. */
  readonly unreadableStructPages: number;
  /** Pages whose data could not be read, and the first 1000 of them with the reason. */
  readonly unreadablePages: number;
  readonly unreadable: readonly UnreadablePage[];
  /** Size of the dump in bytes; of all files of a split set. */
  readonly bytes: number;
  /** Maps of the core that failed, so that the range was mapped in parts or read, by reason such as ENOMEM. */
  readonly mapFailures: Readonly<Record<string, number>>;
  readonly phases: readonly PhaseReport[];
  /** Why less was filtered than asked for, and other things to know; empty when all went as it should. */
  readonly warnings: readonly string[];
}

/** What came of a level that there was room for. */
export interface LevelResult {
  readonly level: number;
  readonly core: CoreDescription;
  readonly classification: ClassificationCounts;
  readonly copied: CopyResult;
  /** Pages of zeros. */
  readonly zero: number;
  readonly sinks: readonly Sink[];
  /** The pages of each sink, when there are several. */
  readonly ranges: readonly PfnRange[] | undefined;
}

/** Puts a report together. */
export function dumpReport(
  run: DumpRun,
  { format, options, compression, target }: DumpRequest,
  result: LevelResult,
  failedLevels: readonly FailedLevel[],
): DumpReport {
  const { level, core, classification, copied, zero, sinks, ranges } = result;
  const members = ranges?.map((range, i) => ({ file: sinks[i]!.file, ...range, bytes: sinks[i]!.size }));
  return {
    file: sinks[0]!.file,
    ...(members && { members }),
    format,
    flattened: isFlattened(target, options),
    dryRun: options.dryRun ?? false,
    level,
    failedLevels,
    compression,
    complete: copied.unreadablePages === 0 && !core.incomplete,
    original: classification.original,
    absent: classification.absent,
    excluded: classification.counts,
    deselected: classification.deselected,
    written: classification.kept,
    zero,
    stored: copied.pages - copied.zeroPages - copied.unreadablePages,
    scrubbed: run.scrubbed,
    unreadableStructPages: classification.unreadable,
    unreadablePages: copied.unreadablePages,
    unreadable: copied.unreadable,
    bytes: sinks.reduce((sum, { size }) => sum + size, 0),
    mapFailures: run.mapFailures,
    phases: run.phases,
    warnings: core.warnings,
  };
}
