import { type Extents, findExtent } from '../formats/extents.ts';
import { PageBitmap } from './bitmap.ts';

/** The pages of a core before any is left out. */
export interface ExistingPages {
  /** Bitmap 1: pages of which a segment covers at least a byte. */
  readonly all: PageBitmap;
  /** Those of which the file has at least a byte; the rest is memory that was left out when the file was written. */
  readonly withData: PageBitmap;
}

/** The pfn behind the last page that a segment covers. */
export function maxPfnOf(extents: Extents, pageSize: number): number {
  return extents.count === 0 ? 0 : Math.ceil(extents.end[extents.count - 1]! / pageSize);
}

/** Of no pages. */
const NONE: ExistingPages = { all: new PageBitmap(0), withData: new PageBitmap(0) };

/**
 * Pages `firstPfn` to `endPfn` - 1. A page of which only part exists is a page: the rest of it reads as zeros. Bitmaps
 * of `before` give their memory, so that pieces of a large core do not wait for the garbage collector.
 */
export function existingPages(
  extents: Extents,
  pageSize: number,
  endPfn: number,
  firstPfn = 0,
  before = NONE,
): ExistingPages {
  const all = before.all.renew(firstPfn, endPfn);
  const withData = before.withData.renew(firstPfn, endPfn);
  for (let i = findExtent(extents, firstPfn * pageSize); i < extents.count; i++) {
    const first = Math.floor(extents.start[i]! / pageSize);
    const end = Math.ceil(extents.end[i]! / pageSize);
    if (first >= endPfn) break;
    all.set(first, end);
    if (extents.offset[i]! >= 0) withData.set(first, end);
  }
  return { all, withData };
}

/** Where single pages are looked up. */
export interface PageLimits {
  readonly extents: Extents;
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Pages from this pfn on are not there. */
  readonly maxPfn: number;
}

/** Whether the file has a byte of a page (`data`), a segment covers it without (`no-data`), or neither (`absent`). */
export function presenceOf(
  { extents, pageSize, maxPfn }: PageLimits,
  pfn: number,
): 'data' | 'no-data' | 'absent' {
  if (pfn >= maxPfn) return 'absent';
  const paddr = pfn * pageSize;
  let presence: 'no-data' | 'absent' = 'absent';
  for (let i = findExtent(extents, paddr); i < extents.count && extents.start[i]! < paddr + pageSize; i++) {
    if (extents.offset[i]! >= 0) return 'data';
    presence = 'no-data';
  }
  return presence;
}
