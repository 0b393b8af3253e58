import type { ByteSource } from '../access/byte-source.ts';
import { CALIBRATION_POSITIONS, calibrate } from '../access/calibrate.ts';
import { type CopiedRanges, isCopied } from '../access/copied-ranges.ts';
import type { MapBorders } from '../access/map-borders.ts';
import type { ReadCosts } from '../access/read-plan.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import type { Extents } from '../formats/extents.ts';
import { type PageRun, pageRuns } from './page-runs.ts';

/** Lengths of samples in pages: the longest for which the core has enough runs is taken. */
const SAMPLE_PAGES = [64, 16];

/**
 * Measures what reading a core costs. Only pages that are kept are touched: others may be poison. Returns undefined
 * where the kept pages are too scattered, or the source has no calls to measure.
 */
export function calibrateOn(
  source: ByteSource,
  kept: PageBitmap,
  extents: Extents,
  pageSize: number,
  borders?: MapBorders,
  copied?: CopiedRanges,
): ReadCosts | undefined {
  if (source.mapping === 'memory' || source.mapping === 'none') return undefined;
  for (const pages of SAMPLE_PAGES) {
    const positions = samplePositions(kept, extents, pages, pageSize, borders, copied);
    if (positions.length === CALIBRATION_POSITIONS) {
      return calibrate(source, positions, pages * pageSize, pageSize);
    }
  }
  return undefined;
}

/** File offsets of the first runs of so many kept pages, aligned to pages in the file as a map needs it. */
function samplePositions(
  kept: PageBitmap,
  extents: Extents,
  pages: number,
  pageSize: number,
  borders: MapBorders | undefined,
  copied: CopiedRanges | undefined,
): number[] {
  const positions: number[] = [];
  for (const run of pageRuns(kept, extents, pageSize, pages, borders, copied)) {
    if (!isSample(run, pages, pageSize) || isCopied(copied, run.offset)) continue;
    positions.push(run.offset);
    if (positions.length === CALIBRATION_POSITIONS) break;
  }
  return positions;
}

function isSample(run: PageRun, pages: number, pageSize: number): boolean {
  return run.pages === pages && run.offset >= 0 && run.offset % pageSize === 0;
}
