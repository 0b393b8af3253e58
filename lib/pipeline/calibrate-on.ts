import type { ByteSource } from '../access/byte-source.ts';
import { CALIBRATION_POSITIONS, calibrate } from '../access/calibrate.ts';
import { isCopied } from '../access/copied-ranges.ts';
import type { ReadCosts, ReadLimits } from '../access/read-plan.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import type { Extents } from '../formats/extents.ts';
import { pageRuns } from './page-runs.ts';
import { mapGrid } from './read-planner.ts';

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
  limits: ReadLimits,
): ReadCosts | undefined {
  if (source.mapping === 'memory' || source.mapping === 'none') return undefined;
  for (const pages of SAMPLE_PAGES) {
    const positions = samplePositions(kept, extents, pages, pageSize, limits);
    if (positions.length === CALIBRATION_POSITIONS) {
      return calibrate(source, positions, pages * pageSize, pageSize);
    }
  }
  return undefined;
}

/** File offsets of the first so many kept pages that follow one another from where a map can begin. */
function samplePositions(
  kept: PageBitmap,
  extents: Extents,
  pages: number,
  pageSize: number,
  limits: ReadLimits,
): number[] {
  const { borders, copied } = limits;
  const grid = mapGrid(pageSize, limits);
  // Of that many one lies on the grid, where pages do at all.
  const longest = pages + grid / pageSize - 1;
  const positions: number[] = [];
  for (const run of pageRuns(kept, extents, pageSize, longest, borders, copied)) {
    if (run.offset < 0 || isCopied(copied, run.offset)) continue;
    const position = Math.ceil(run.offset / grid) * grid;
    if (position + pages * pageSize > run.offset + run.pages * pageSize) continue;
    positions.push(position);
    if (positions.length === CALIBRATION_POSITIONS) break;
  }
  return positions;
}
