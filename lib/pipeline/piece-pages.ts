import { VmcoreError } from '../errors.ts';

/** What bitmaps may take of a memory budget: the rest is for those who read and compress pages. */
const SHARE = 1 / 8;
/** Bitmaps of a piece that are in memory at the same time: pages that exist, and pages that are kept. */
const BITMAPS = 2;
/** Bytes of a bitmap that are read, made and written together at least: of 32 GiB of memory in pages of 4 KiB. */
const SMALLEST_BYTES = 1 << 20;
const BITS = 8;

/**
 * How many pages are classified together, so that their bitmaps are within the budget: infinitely many where those of the
 * whole core are, else whole MiB of bitmap.
 * @param budget bytes.
 */
export function piecePages(budget: number, maxMapnr: number): number {
  const bytes = (budget * SHARE) / BITMAPS;
  if (maxMapnr / BITS <= Math.max(bytes, SMALLEST_BYTES)) return Number.POSITIVE_INFINITY;
  return Math.max(SMALLEST_BYTES, bytes - (bytes % SMALLEST_BYTES)) * BITS;
}

/** Checks a number of pages that was asked for. @throws VmcoreError ERR_VMCORE_ARGUMENT. */
export function checkPiecePages(pages: number, pageSize: number): number {
  const unit = pageSize * BITS;
  if (Number.isSafeInteger(pages) && pages > 0 && pages % unit === 0) return pages;
  throw new VmcoreError('ERR_VMCORE_ARGUMENT', `piecePages is a multiple of ${unit}, not ${pages}`);
}
