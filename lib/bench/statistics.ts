/** How a measured quantity is spread. */
export interface Distribution {
  /** Number of readings. */
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Bins that are not empty, ascending; each reaches from `from` to {@link HISTOGRAM_RATIO} times as much. */
  readonly histogram: readonly { readonly from: number; readonly count: number }[];
}

const BINS_PER_DOUBLING = 8;
/** Bins of a histogram are equally wide on a logarithmic scale, eight for each doubling. */
export const HISTOGRAM_RATIO = 2 ** (1 / BINS_PER_DOUBLING);

/** The middle of `values`, or the mean of the two in the middle. NaN when there are none. */
export function median(values: Iterable<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that a `share` (0 to 1) of ascending `sorted` values does not exceed. NaN when there are none. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Sums readings up. */
export function distribution(readings: Iterable<number>): Distribution {
  const sorted = Float64Array.from(readings).sort();
  return {
    count: sorted.length,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    min: quantile(sorted, 0),
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
    histogram: histogram(sorted),
  };
}

/** What is less than 1 counts as 1. */
function histogram(sorted: Float64Array): { from: number; count: number }[] {
  const bins = new Map<number, number>();
  for (const value of sorted) {
    const bin = Math.floor(Math.log2(Math.max(1, value)) * BINS_PER_DOUBLING);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  return Array.from(bins, ([bin, count]) => ({ from: 2 ** (bin / BINS_PER_DOUBLING), count }));
}
