// What the programs in the capture kernel print, as JSON, for the tests on the host.

import type { AccessCounters } from '../../../lib/access/counters.ts';
import type { Machine } from '../../../lib/bench/index.ts';
import type { DumpReport, MemoryUsage } from '../../../lib/index.ts';
import type { PredictedCalls } from '../../../lib/pipeline/read-planner.ts';

/** Access policies, and `calls`: `auto` with the fewest calls as objective. */
export const ways = ['mmap', 'read', 'auto', 'calls'] as const;
export type Way = (typeof ways)[number];

export interface DumpRecord {
  readonly machine: Machine;
  readonly way: Way;
  readonly report: DumpReport;
  /** Of the plan that was made before the dump. */
  readonly plan: PredictedCalls;
  /** When the plan had been made, and at the end. */
  readonly planned: AccessCounters;
  readonly counters: AccessCounters;
  /** VmPTE in bytes: before and after the dump, and the most that was seen while pages were written. */
  readonly tables: { readonly before: number; readonly most: number; readonly after: number };
  /** VmHWM in bytes. */
  readonly peak: number;
  /** Whether the dump has the same bytes as the first of its level. */
  readonly same: boolean;
}

/** Bytes that were equal, mapped and read, of ranges across something. */
export interface RangesRecord {
  readonly headers: number;
  /** From the ELF header over the notes to the first pages of memory. */
  readonly notes: number;
  /** Where one segment ends and the next begins. */
  readonly borders: readonly number[];
  /** A map that was asked for beyond the end of the file, and clamped. */
  readonly end: number;
  /** Whether the last page came out of a region that ends with the file; and what failed on the way. */
  readonly lastPageMapped: boolean;
  readonly mapErrors: number;
  /** The system's code for maps that the kernel refuses. */
  readonly overTheEnd: string;
  readonly behindTheEnd: string;
  readonly overMapped: string;
}

/** What mem-usage.ts leaves: our numbers, and between what of makedumpfile's they were taken. */
export interface MemUsageRecord {
  readonly before: string;
  readonly usage: MemoryUsage;
  readonly after: string;
}
