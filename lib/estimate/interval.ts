/** How often an interval may miss. */
const MISSES = 0.05;

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
  /** The size lies between these. */
  readonly low: number;
  readonly high: number;
}

/**
 * The size of all pages of all regions, none larger than `largest`, with an interval of 95 %; of `together` such intervals
 * all hold with 95 % (Bonferroni). The variance is that of a stratified sample without replacement (Cochran, Sampling
 * Techniques, 5.3), with Satterthwaite's degrees of freedom. A sample can look more even than what it was drawn from: that
 * there may be large pages, too few to be seen, widens the interval, too (for one interval that is the rule of three).
 */
export function estimateTotal(regions: Iterable<RegionSizes>, largest: number, together = 1): EstimatedTotal {
  const misses = MISSES / together;
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
    studentT(misses, spread > 0 ? variance ** 2 / spread : Number.POSITIVE_INFINITY) * Math.sqrt(variance);
  const unseen = ((-Math.log(misses) * (pages - drawn)) / drawn) * largest;
  const half = Math.hypot(sampled, unseen);
  return {
    bytes,
    // What was seen is there, and what was not is no larger than it can be.
    low: Math.max(seen, bytes - half),
    high: Math.min(seen + (pages - drawn) * largest, bytes + half),
  };
}

/** How far Student's distribution strays to either side but for a part `misses` of all cases (Abramowitz and Stegun, 26.7.5). */
function studentT(misses: number, freedom: number): number {
  const z = normal(misses / 2);
  const d = Math.max(1, freedom);
  const one = (z ** 3 + z) / 4;
  const two = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const three = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + one / d + two / d ** 2 + three / d ** 3;
}

/** What the normal distribution exceeds with a probability of up to 0.5 (Abramowitz and Stegun, 26.2.23: to 0.00045). */
function normal(probability: number): number {
  const t = Math.sqrt(-2 * Math.log(probability));
  const above = 2.515517 + 0.802853 * t + 0.010328 * t ** 2;
  const below = 1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3;
  return t - above / below;
}
