import { PageBitmap } from '../filter/bitmap.ts';
import { type Classification, pieces } from '../filter/classify.ts';
import type { KdumpWriter } from '../output/kdump.ts';
import type { SplitPart } from '../output/split.ts';

/** The pages that a dump has. Their bitmap need not be in memory as a whole. */
export interface KeptPages {
  /** How many they are. */
  readonly count: number;
  /** Their bitmap in pieces, ascending; as often as it is asked for. A piece may be changed when the next one is asked for. */
  pieces(): AsyncIterable<PageBitmap>;
}

/** Pages whose bitmap is in memory. */
export function heldPages(bitmap: PageBitmap): KeptPages {
  return {
    count: bitmap.count(),
    async *pieces() {
      yield bitmap;
    },
  };
}

/** What it takes to have a bitmap again that was not kept. */
export interface ForgottenPages {
  readonly count: number;
  readonly maxMapnr: number;
  /** Pages of a piece, whole blocks of the dump's bitmap. */
  readonly piecePages: number;
  /** What the bitmap was written to. */
  readonly writer: KdumpWriter;
  /** Judges all pages once more, where that can't be read back. */
  classifyAgain(): AsyncIterable<Classification>;
}

/** Pages whose bitmap is in the output only: each piece is read back from there, or made again. */
export function forgottenPages(forgotten: ForgottenPages): KeptPages {
  const { count, maxMapnr, piecePages, writer } = forgotten;
  async function* writtenPieces(): AsyncGenerator<PageBitmap | undefined> {
    const bytes = new Uint8Array(piecePages / 8);
    for (const [firstPfn, endPfn] of pieces(maxMapnr, piecePages)) {
      const piece = bytes.subarray(0, Math.ceil((endPfn - firstPfn) / 8));
      if (!(await writer.readBitmap(firstPfn / 8, piece))) return yield undefined;
      yield new PageBitmap(endPfn, piece, firstPfn);
    }
  }
  return {
    count,
    async *pieces() {
      for await (const piece of writtenPieces()) {
        if (piece) yield piece;
        else for await (const { bitmap } of forgotten.classifyAgain()) yield bitmap;
      }
    },
  };
}

/** Those of a range of pages. */
export function keptWithin(kept: KeptPages, { startPfn, endPfn, pages }: SplitPart): KeptPages {
  return {
    count: pages,
    async *pieces() {
      for await (const piece of kept.pieces()) {
        if (piece.firstPfn >= endPfn) return;
        if (piece.endPfn > startPfn) yield piece.slice(Math.max(startPfn, piece.firstPfn), endPfn);
      }
    },
  };
}
