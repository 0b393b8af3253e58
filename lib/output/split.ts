import type { PageBitmap } from '../filter/bitmap.ts';

/** The pages that one file of a split set has: pfns `startPfn` to `endPfn` - 1. */
export interface PfnRange {
  readonly startPfn: number;
  readonly endPfn: number;
}

/** Ranges begin at multiples of so many pages: crash counts the pages of a dump in groups of 4096 (diskdump.h). */
const DEFAULT_BLOCK_PAGES = 4096;

/**
 * Divides the page frames to files of about as many kept pages each, by makedumpfile's rule: a file takes whole blocks
 * until it has its share, and the last one the rest. A file may get none when there are fewer blocks than files.
 */
export function splitRanges(
  kept: PageBitmap,
  files: number,
  blockPages: number = DEFAULT_BLOCK_PAGES,
): PfnRange[] {
  const { pages: maxMapnr } = kept;
  const share = Math.floor(kept.count() / files);
  const ranges: PfnRange[] = [];
  let startPfn = 0;
  for (let i = 0; i < files - 1; i++) {
    let endPfn = startPfn;
    // As makedumpfile counts: a block that is not whole has no pages.
    for (let needed = share; endPfn < maxMapnr && needed > 0; endPfn += blockPages) {
      if (endPfn + blockPages <= maxMapnr) needed -= kept.count(endPfn, endPfn + blockPages);
    }
    endPfn = Math.min(endPfn, maxMapnr);
    ranges.push({ startPfn, endPfn });
    startPfn = endPfn;
  }
  ranges.push({ startPfn, endPfn: maxMapnr });
  return ranges;
}
