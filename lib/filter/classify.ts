import type { MemMap, MemMapRange } from '../kernel/mem-map.ts';
import type { PageLayout } from '../kernel/page-layout.ts';
import type { StructPages } from '../kernel/struct-pages.ts';
import { Turns } from '../turns.ts';
import { PageBitmap } from './bitmap.ts';
import { type ExistingPages, existingPages, type PageLimits } from './existing-pages.ts';
import { type ClassCounts, PAGE_CLASSES, type PageClass } from './page-class.ts';
import { PageScan } from './page-scan.ts';
import type { SelectPages } from './select.ts';

/** How many pages a dump level keeps, of a whole core or of a range of its pages. */
export interface ClassificationCounts {
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
}

/** Which pages a dump level keeps. */
export interface Classification extends ClassificationCounts {
  /** Bitmap 1: pages that the core covers. */
  readonly existing: PageBitmap;
  /** Bitmap 2: pages kept. */
  readonly bitmap: PageBitmap;
  /** What {@link ScanOptions.select} dropped, pages that the level leaves out included: their data is written nowhere. */
  readonly dropped?: PageBitmap;
  /** The pages that are left out and counted for their class, of the classes that were to be collected. */
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

/** The pages that are classified. */
export interface ClassifiedCore extends PageLimits {
  /** Nothing is left out for what it is used for when absent. */
  readonly facts: PageFacts | undefined;
}

/**
 * Judges every page of the core at a dump level, in pieces of `piecePages` pages, ascending. What a piece is given is that
 * of its pages, and does not depend on how many they are; its bitmaps are overwritten when the next one is asked for. A page
 * whose struct page can't be read is kept.
 * @throws the signal's reason when it is aborted; what reading the core throws.
 */
export async function* classify(
  core: ClassifiedCore,
  level: number,
  options: ScanOptions,
  piecePages: number,
): AsyncGenerator<Classification> {
  const classifier = new Classifier(core, level, options);
  try {
    for (const [firstPfn, endPfn] of pieces(core.maxPfn, piecePages))
      yield await classifier.piece(firstPfn, endPfn);
  } finally {
    classifier.release();
  }
}

/** The piece that is all of a core. */
export async function onlyPiece(pieces: AsyncIterable<Classification>): Promise<Classification> {
  for await (const all of pieces) return all;
  throw new Error('a core has at least one piece');
}

/** Ranges of `piecePages` pages, as [first pfn, pfn behind]; one at least. */
export function* pieces(maxPfn: number, piecePages: number): Generator<[firstPfn: number, endPfn: number]> {
  let firstPfn = 0;
  do {
    const endPfn = Math.min(firstPfn + piecePages, maxPfn);
    yield [firstPfn, endPfn];
    firstPfn = endPfn;
  } while (firstPfn < maxPfn);
}

/** What was counted in a range of pages, with what was in those before. */
export function addCounts(
  before: ClassificationCounts | undefined,
  piece: ClassificationCounts,
): ClassificationCounts {
  const counts = PAGE_CLASSES.map(
    (name) => [name, (before?.counts[name] ?? 0) + piece.counts[name]] as const,
  );
  return {
    level: piece.level,
    original: (before?.original ?? 0) + piece.original,
    absent: (before?.absent ?? 0) + piece.absent,
    counts: Object.fromEntries(counts) as Record<PageClass, number>,
    deselected: (before?.deselected ?? 0) + piece.deselected,
    kept: (before?.kept ?? 0) + piece.kept,
    unreadable: (before?.unreadable ?? 0) + piece.unreadable,
  };
}

class Classifier {
  readonly #core: ClassifiedCore;
  readonly #level: number;
  readonly #options: ScanOptions;
  readonly #scan: PageScan | undefined;
  readonly #pages: StructPages | undefined;
  /** Those of the piece before. */
  #existing: ExistingPages | undefined;
  /** Struct pages judged so far, and in all. */
  #judged = 0;
  readonly #totalPages: number;
  readonly #turns: Turns;

  constructor(core: ClassifiedCore, level: number, options: ScanOptions) {
    const { facts } = core;
    this.#core = core;
    this.#level = level;
    this.#options = options;
    this.#turns = new Turns(options.signal);
    this.#scan = facts && new PageScan(facts.layout, facts.littleEndian, level);
    this.#pages = facts?.openStructPages();
    this.#totalPages = (facts?.memMap.ranges ?? []).reduce((sum, range) => sum + pagesOf(range), 0);
  }

  async piece(firstPfn: number, endPfn: number): Promise<Classification> {
    const { extents, pageSize } = this.#core;
    this.#existing = existingPages(extents, pageSize, endPfn, firstPfn, this.#existing);
    const { all, withData } = this.#existing;
    const original = all.count();
    const absent = original - withData.count();
    const bitmap = withData;
    const collected = new Map(
      (this.#options.collect ?? []).map(
        (name) => [name, new PageBitmap(endPfn, undefined, firstPfn)] as const,
      ),
    );
    this.#scan?.begin(bitmap, collected);
    const unreadable = await this.#scanPiece(firstPfn, endPfn);
    return {
      level: this.#level,
      original,
      absent,
      counts: this.#takeCounts(),
      deselected: 0,
      kept: bitmap.count(),
      unreadable,
      existing: all,
      bitmap,
      collected,
    };
  }

  release(): void {
    this.#pages?.release();
  }

  /** Returns how many struct pages could not be read. */
  async #scanPiece(firstPfn: number, endPfn: number): Promise<number> {
    const { facts } = this.#core;
    const scan = this.#scan;
    const pages = this.#pages;
    if (!facts || !scan || !pages) return 0;
    const { ranges, unreadable } = facts.memMap;
    const before = pages.unreadable;
    for (const range of ranges) {
      const from = Math.max(range.firstPfn, firstPfn);
      const to = Math.min(range.endPfn, endPfn);
      if (from >= to) continue;
      for (const chunk of pages.chunks(range, from, to)) {
        if (chunk) scan.scan(chunk);
        this.#judged += chunk?.count ?? 0;
        if (this.#turns.due) await this.#giveTurn(pages.unreadable);
      }
    }
    this.#options.signal?.throwIfAborted();
    if (endPfn === this.#core.maxPfn) this.#report(this.#totalPages);
    return pages.unreadable - before + (firstPfn === 0 ? unreadable : 0);
  }

  async #giveTurn(unreadable: number): Promise<void> {
    this.#report(this.#judged + unreadable);
    await this.#turns.give();
  }

  #report(pages: number): void {
    this.#options.onProgress?.({ pages, totalPages: this.#totalPages });
  }

  #takeCounts(): ClassCounts {
    const counts = this.#scan?.counts ?? new Float64Array(PAGE_CLASSES.length);
    const named = PAGE_CLASSES.map((name, index) => [name, counts[index]!] as const);
    counts.fill(0);
    return Object.fromEntries(named) as Record<PageClass, number>;
  }
}

function pagesOf({ firstPfn, endPfn }: MemMapRange): number {
  return endPfn - firstPfn;
}
