import type { PagePiece } from '../../lib/pipeline/page-reader.ts';

/** The pages of a piece, one by one. Throws where one can't be read. */
export function* pagesOf(
  piece: PagePiece,
  pageSize: number,
): Generator<{ readonly pfn: number; readonly page: Uint8Array }> {
  if (!('bytes' in piece)) throw piece.error;
  let at = 0;
  for (const { firstPfn, pages } of piece.runs) {
    for (let pfn = firstPfn; pfn < firstPfn + pages; pfn++, at += pageSize) {
      yield { pfn, page: piece.bytes.subarray(at, at + pageSize) };
    }
  }
  if (at !== piece.bytes.length) throw new Error(`${piece.bytes.length} bytes, but pages of ${at}`);
}
