import type { DumpReport } from './dump-report.ts';

/** What a kernel uses its memory for. Each page counts once; `total` is the sum of all others. */
export interface MemoryUsage {
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Pages of memory. */
  readonly total: number;
  /** Pages of only zeros, of those that no level above 1 leaves out. */
  readonly zero: number;
  /** Page cache without private data. */
  readonly cache: number;
  /** The other page cache. */
  readonly cachePrivate: number;
  /** User data. */
  readonly user: number;
  readonly free: number;
  /** Poisoned and offline pages, which are never read. */
  readonly hwpoison: number;
  readonly offline: number;
  /** All that a dump of level 31 has: the kernel's own. */
  readonly kernel: number;
  /** Pages that could not be read. */
  readonly unreadable: number;
}

/** What a dump of level 31 found. */
export function memoryUsageOf(report: DumpReport, pageSize: number): MemoryUsage {
  const { excluded, original, absent, zero, stored: kernel, unreadablePages: unreadable } = report;
  return { pageSize, total: original - absent, zero, ...excluded, kernel, unreadable };
}
