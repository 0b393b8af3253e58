import type { PagePiece } from '../../lib/pipeline/page-reader.ts';

/** The pages of a piece, one by one. Throws where one can't be read. */
export function* pagesOf(
  piece: PagePiece,
  pageSize: number,
): Generator<{ readonly pfn: number; readonly page: Uint8Array }> {
  if (!('bytes' in piece)) throw piece.error;
  const { runs, bytes } = piece;
  let at = 0;
  for (let i = 0; i < runs.count; i++) {
    for (let page = 0; page < runs.pagesOf(i); page++, at += pageSize) {
      yield { pfn: runs.firstPfn(i) + page, page: bytes.subarray(at, at + pageSize) };
    }
  }
  if (at !== bytes.length) throw new Error(`${bytes.length} bytes, but pages of ${at}`);
}
