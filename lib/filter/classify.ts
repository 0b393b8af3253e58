import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemMap } from '../kernel/mem-map.ts';
import type { PageLayout } from '../kernel/page-layout.ts';
import type { StructPages } from '../kernel/struct-pages.ts';
import { PageBitmap } from './bitmap.ts';
import type { ExistingPages } from './existing-pages.ts';
import { type ClassCounts, PAGE_CLASSES, type PageClass } from './page-class.ts';
import { PageScan } from './page-scan.ts';
import type { SelectPages } from './select.ts';

/** Which pages a dump level keeps. */
export interface Classification {
  readonly level: number;
  /** Pages that the core covers: bits of bitmap 1. */
  readonly original: number;
  /** Pages without data in the core's file, which can't be kept. */
  readonly absent: number;
  /** Pages left out, by class. */
  readonly counts: ClassCounts;
  /** Pages that the level would keep and {@link ScanOptions.select} left out. */
  readonly deselected: number;
  /** Pages kept. `original` is the sum of `absent`, `counts`, `deselected` and this. */
  readonly kept: number;
  /** Struct pages that could not be read; their pages are kept. */
  readonly unreadable: number;
  /** Bitmap 1: pages that the core covers. */
  readonly existing: PageBitmap;
  /** Bitmap 2: pages kept. */
  readonly bitmap: PageBitmap;
  /** What {@link ScanOptions.select} dropped, pages that the level leaves out included: their data is written nowhere. */
  readonly dropped?: PageBitmap;
  /** The pages that the level leaves out, of the classes that were to be collected. */
  readonly collected: ReadonlyMap<PageClass, PageBitmap>;
}

/** How far a classification has come. */
export interface ScanProgress {
  /** Struct pages judged so far, and in all. */
  readonly pages: number;
  readonly totalPages: number;
}

/** How pages are judged. */
export interface ScanOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when the event loop gets its turn. What it throws ends the work. */
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined;
  /** Collect the pages of these classes, see {@link Classification.collected}. */
  readonly collect?: readonly PageClass[] | undefined;
  /** Overrules the level for ranges of pages. */
  readonly select?: SelectPages | undefined;
}

/** What is known of the dead kernel's pages. */
export interface PageFacts {
  readonly layout: PageLayout;
  readonly memMap: MemMap;
  readonly littleEndian: boolean;
  /** A stream of struct pages for one user, who releases it. */
  openStructPages(): StructPages;
}

/** The event loop is given a turn after so many milliseconds. */
const TURN_MS = 20;

/**
 * Judges every page of the core at a dump level. A page whose struct page can't be read is kept.
 * @throws the signal's reason when it is aborted; what reading the core throws.
 */
export async function classify(
  facts: PageFacts | undefined,
  existing: ExistingPages,
  level: number,
  options: ScanOptions = {},
): Promise<Classification> {
  const bitmap = existing.withData.copy();
  const collected = new Map(
    (options.collect ?? []).map((name) => [name, new PageBitmap(bitmap.pages)] as const),
  );
  const scan = facts && new PageScan(facts.layout, facts.littleEndian, level, collected);
  const unreadable = scan ? await scanAll(facts, scan, bitmap, options) : 0;
  const original = existing.all.count();
  return {
    level,
    original,
    absent: original - existing.withData.count(),
    counts: namedCounts(scan?.counts),
    deselected: 0,
    kept: bitmap.count(),
    unreadable,
    existing: existing.all,
    bitmap,
    collected,
  };
}

/** Returns how many struct pages could not be read. */
async function scanAll(
  { memMap, openStructPages }: PageFacts,
  scan: PageScan,
  bitmap: PageBitmap,
  { signal, onProgress }: ScanOptions,
): Promise<number> {
  const totalPages = memMap.ranges.reduce((sum, range) => sum + range.endPfn - range.firstPfn, 0);
  const pages = openStructPages();
  let judged = 0;
  let turn = performance.now();
  try {
    for (const range of memMap.ranges) {
      for (const chunk of pages.chunks(range)) {
        scan.scan(chunk, bitmap);
        judged += chunk.count;
        if (performance.now() - turn < TURN_MS) continue;
        onProgress?.({ pages: judged, totalPages });
        await nextTurn();
        signal?.throwIfAborted();
        turn = performance.now();
      }
    }
  } finally {
    pages.release();
  }
  signal?.throwIfAborted();
  onProgress?.({ pages: totalPages, totalPages });
  return memMap.unreadable + pages.unreadable;
}

function namedCounts(counts = new Float64Array(PAGE_CLASSES.length)): ClassCounts {
  return Object.fromEntries(PAGE_CLASSES.map((name, index) => [name, counts[index]!])) as Record<
    PageClass,
    number
  >;
}
