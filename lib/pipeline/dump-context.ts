import type { ByteSource } from '../access/byte-source.ts';
import type { PassMemory, PassSizes, WorkerOptions } from '../access/memory-budget.ts';
import type { ReadCosts } from '../access/read-plan.ts';
import type { CodecName } from '../codecs/registry.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import type { PageJudge } from '../filter/page-judge.ts';
import type { ScrubRange } from '../filter/scrub.ts';
import type { ScrubPlan } from '../filter/scrub-plan.ts';
import type { ScrubTarget } from '../filter/scrub-target.ts';
import type { NoteSegment, Segment } from '../formats/core-file.ts';
import type { Extents } from '../formats/extents.ts';
import type { KdumpDescription } from '../output/kdump.ts';
import type { AddressFacts } from './core-segments.ts';
import type { PlanOptions } from './dump-options.ts';

/** The core as a dump needs it. */
export interface DumpContext {
  readonly source: ByteSource;
  readonly extents: Extents;
  readonly pageSize: number;
  /** The sizes with which a pass stays within the memory budget. @throws VmcoreError ERR_VMCORE_ARGUMENT. */
  fit(pass: PassMemory, options: WorkerOptions): PassSizes;
  /** The level that the core was filtered with before: a dump of it can only leave out more. */
  readonly inputLevel: number;
  /** Whether it is the memory of a running kernel, which is another one each time that it is read. */
  readonly isLive: boolean;
  /** What reading costs, for a plan of these pages; measures it at the first plan unless it is given. */
  readCosts(kept: PageBitmap, options: PlanOptions): ReadCosts;
  /** What compresses where nothing was said. To find out loads codecs. */
  defaultCompression(): CodecName;
  /** Finds out what pages are judged by, at this level and those with fewer bits. Throws when that can't be done. */
  judge(level: number): PageJudge;
  /** Finds what is to be scrubbed. */
  planScrub(targets: readonly ScrubTarget[], signal: AbortSignal): Promise<ScrubPlan>;
  /** Reads what a dump of what `judge` keeps says of the core, with what is in these ranges overwritten. */
  describe(judge: PageJudge, scrub: readonly ScrubRange[]): CoreDescription;
}

/** What a dump says of a core beside its pages. */
export interface CoreDescription {
  /** What the headers say beside what the options and the classification do. */
  readonly headers: Omit<KdumpDescription, 'dumpLevel' | 'codec'>;
  /** What only ELF headers say. */
  readonly elf: AddressFacts & {
    /** e_machine. */
    readonly machine: number;
    readonly noteSegment: NoteSegment | undefined;
    /** None where the core is in a format without. */
    readonly segments: readonly Segment[];
  };
  /** See CoreFile. */
  readonly incomplete: boolean;
  readonly warnings: readonly string[];
}
