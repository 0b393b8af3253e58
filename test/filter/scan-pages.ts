// Runs PageScan over struct pages that no core holds.
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import type { PageClass } from '../../lib/filter/page-class.ts';
import { PageScan } from '../../lib/filter/page-scan.ts';
import { type PageLayout, pageLayout } from '../../lib/kernel/page-layout.ts';
import type { StructPageChunk } from '../../lib/kernel/struct-pages.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';
import { type Generation, pageInfo } from '../support/page-generations.ts';
import { encodePages, type PageFields } from '../support/page-writer.ts';

export function layoutOf(generation: Generation): PageLayout {
  return pageLayout(new Vmcoreinfo(['OSRELEASE=x', 'PAGESIZE=4096', ...pageInfo(generation)].join('\n')));
}

export interface ScanShape {
  readonly littleEndian?: boolean;
  /** pfn of the first page, and of the bitmap's bit 0. */
  readonly firstPfn?: number;
  /** Page frames in a chunk; the last one may be shorter. */
  readonly chunkPages?: number;
  /** Pages that the core does not have, by index. */
  readonly missing?: readonly number[];
  readonly collect?: PageClass;
}

export interface Scanned {
  readonly scan: PageScan;
  readonly bitmap: PageBitmap;
  readonly collected: PageBitmap;
  /** Pages left out, by index. */
  readonly dropped: number[];
}

export function scanPages(
  generation: Generation,
  pages: readonly PageFields[],
  level: number,
  shape: ScanShape = {},
): Scanned {
  const { littleEndian = true, firstPfn = 0, chunkPages = pages.length, missing = [], collect } = shape;
  const bitmap = new PageBitmap(pages.length);
  bitmap.set(0, pages.length);
  for (const index of missing) bitmap.clear(index, index + 1);
  const existing = bitmap.copy();
  const collected = new PageBitmap(pages.length);
  const layout = layoutOf(generation);
  const scan = new PageScan(layout, littleEndian, level);
  // The same bits, as those of the pfns that are scanned.
  const at = ({ bytes }: PageBitmap) => new PageBitmap(firstPfn + pages.length, bytes, firstPfn);
  scan.begin(at(bitmap), new Map(collect && [[collect, at(collected)]]));
  const bytes = encodePages(generation, pages, littleEndian);
  for (let from = 0; from < pages.length; from += chunkPages) {
    const count = Math.min(chunkPages, pages.length - from);
    scan.scan(chunkOf(bytes, generation.size, firstPfn, from, count));
  }
  const dropped = pages.map((_, i) => i).filter((i) => existing.has(i) && !bitmap.has(i));
  return { scan, bitmap, collected, dropped };
}

function chunkOf(
  bytes: Uint8Array,
  size: number,
  firstPfn: number,
  index: number,
  count: number,
): StructPageChunk {
  const part = bytes.subarray(index * size, (index + count) * size);
  const words = new Int32Array(part.buffer, part.byteOffset, part.length / 4);
  return { firstPfn: firstPfn + index, count, words, bytes: part, firstWord: 0 };
}
