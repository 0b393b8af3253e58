import type { PageBitmap } from '../filter/bitmap.ts';

/** The pages that one file of a split set has: pfns `startPfn` to `endPfn` - 1. */
export interface PfnRange {
  readonly startPfn: number;
  readonly endPfn: number;
}

/** Such a range, and how many of its pages are kept. */
export interface SplitPart extends PfnRange {
  readonly pages: number;
}

/** Ranges begin at multiples of so many pages: crash counts the pages of a dump in groups of 4096 (diskdump.h). */
const DEFAULT_BLOCK_PAGES = 4096;

/**
 * Divides the page frames to files of about as many kept pages each, by makedumpfile's rule: a file takes whole blocks
 * until it has its share, and the last one the rest. A file may get none when there are fewer blocks than files.
 * @param pieces bitmap 2 in pieces, ascending.
 * @param kept its set bits.
 */
export async function splitRanges(
  pieces: AsyncIterable<PageBitmap> | Iterable<PageBitmap>,
  kept: number,
  files: number,
  blockPages: number = DEFAULT_BLOCK_PAGES,
): Promise<SplitPart[]> {
  const division = new Division(files, Math.floor(kept / files));
  let block = { startPfn: 0, pages: 0 };
  let maxMapnr = 0;
  for await (const piece of pieces) {
    maxMapnr = piece.endPfn;
    for (let pfn = piece.firstPfn; pfn < maxMapnr; ) {
      const blockEnd = block.startPfn + blockPages;
      const to = Math.min(blockEnd, maxMapnr);
      block.pages += piece.count(pfn, to);
      if (to === blockEnd) {
        division.add(block.startPfn, block.pages, block.pages);
        block = { startPfn: blockEnd, pages: 0 };
      }
      pfn = to;
    }
  }
  // As makedumpfile counts: a block that is not whole has no pages.
  if (block.startPfn < maxMapnr) division.add(block.startPfn, block.pages, 0);
  return division.end(maxMapnr);
}

/** Files that take one block after another. */
class Division {
  readonly #files: number;
  readonly #share: number;
  readonly #parts: SplitPart[] = [];
  #startPfn = 0;
  #pages = 0;
  #needed: number;

  constructor(files: number, share: number) {
    this.#files = files;
    this.#share = share;
    this.#needed = share;
  }

  /** Adds a block of `pages` pages that counts as `counted`. */
  add(startPfn: number, pages: number, counted: number): void {
    while (this.#needed <= 0 && this.#parts.length < this.#files - 1) this.#close(startPfn);
    this.#pages += pages;
    this.#needed -= counted;
  }

  end(endPfn: number): SplitPart[] {
    while (this.#parts.length < this.#files) this.#close(endPfn);
    return this.#parts;
  }

  #close(endPfn: number): void {
    this.#parts.push({ startPfn: this.#startPfn, endPfn, pages: this.#pages });
    this.#startPfn = endPfn;
    this.#pages = 0;
    this.#needed = this.#share;
  }
}
