/** Quantile of the normal distribution that 95 % lie within, on both sides. */
const Z = 1.959964;
/** What happens to one of n pages at most can be missed by all of n with 5 %: as long as it is less than 3 / n (the rule of three). */
const UNSEEN = 3;

/** What was seen of one region: sizes of the pages that were drawn. */
export interface RegionSizes {
  /** Pages of the region, and those of them that were drawn: two at least, if it has two. */
  readonly pages: number;
  readonly drawn: number;
  /** Sum of the sizes in bytes, and of their squares. */
  readonly sum: number;
  readonly squares: number;
}

/** The size of all pages, estimated, in bytes. */
export interface EstimatedTotal {
  readonly bytes: number;
  /** The interval of 95 %. */
  readonly low: number;
  readonly high: number;
}

/**
 * The size of all pages of all regions. The variance is that of a stratified sample without replacement (Cochran, Sampling
 * Techniques, 5.3), with Satterthwaite's degrees of freedom. A sample can look more even than what it was drawn from: that
 * pages of `largest` bytes may be too few to be seen widens the interval, too.
 */
export function estimateTotal(regions: Iterable<RegionSizes>, largest: number): EstimatedTotal {
  let [bytes, variance, spread, seen, pages, drawn] = [0, 0, 0, 0, 0, 0];
  for (const region of regions) {
    pages += region.pages;
    drawn += region.drawn;
    seen += region.sum;
    if (region.drawn === 0) continue;
    bytes += (region.pages * region.sum) / region.drawn;
    if (region.drawn < 2) continue;
    const deviation = Math.max(0, region.squares - region.sum ** 2 / region.drawn) / (region.drawn - 1);
    const part = ((region.pages * (region.pages - region.drawn)) / region.drawn) * deviation;
    variance += part;
    spread += part ** 2 / (region.drawn - 1);
  }
  if (drawn === pages) return { bytes: seen, low: seen, high: seen };
  const sampled =
    studentT(spread > 0 ? variance ** 2 / spread : Number.POSITIVE_INFINITY) * Math.sqrt(variance);
  const unseen = ((UNSEEN * (pages - drawn)) / drawn) * largest;
  const half = Math.hypot(sampled, unseen);
  return {
    bytes,
    // What was seen is there, and what was not is no larger than it can be.
    low: Math.max(seen, bytes - half),
    high: Math.min(seen + (pages - drawn) * largest, bytes + half),
  };
}

/** Quantile of Student's distribution that 95 % lie within (Abramowitz and Stegun, 26.7.5). */
function studentT(freedom: number): number {
  const one = (Z ** 3 + Z) / 4;
  const two = (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96;
  const three = (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384;
  const d = Math.max(1, freedom);
  return Z + one / d + two / d ** 2 + three / d ** 3;
}
