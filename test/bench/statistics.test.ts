import fc from 'fast-check';
import t from 'tap';
import { distribution, HISTOGRAM_RATIO, median, quantile } from '../../lib/bench/statistics.ts';

t.test('the median is the middle, or the mean of the two in the middle', async (t) => {
  t.equal(median([3]), 3);
  t.equal(median([9, 1, 5]), 5);
  t.equal(median([10, 2, 4, 8]), 6);
  t.ok(Number.isNaN(median([])));
});

t.test('a quantile is the least value that so many do not exceed', async (t) => {
  const sorted = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  t.equal(quantile(sorted, 0), 1);
  t.equal(quantile(sorted, 0.5), 50);
  t.equal(quantile(sorted, 0.99), 99);
  t.equal(quantile(sorted, 1), 100);
  t.equal(quantile(Float64Array.of(7), 0.01), 7);
  t.ok(Number.isNaN(quantile(new Float64Array(0), 0.5)));
});

t.test('a distribution has every reading in one bin of its histogram', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1 }), (readings) => {
      const { count, min, max, mean, p50, p90, p99, histogram } = distribution(readings);
      const binned = histogram.reduce((sum, bin) => sum + bin.count, 0);
      const [first, last] = [histogram[0]!, histogram.at(-1)!];
      const slack = 1 + 1e-9;
      return (
        count === readings.length &&
        binned === count &&
        min <= mean * slack &&
        mean <= max * slack &&
        min <= p50 &&
        p50 <= p90 &&
        p90 <= p99 &&
        p99 <= max &&
        first.from <= Math.max(1, min) * slack &&
        Math.max(1, max) <= last.from * HISTOGRAM_RATIO * slack &&
        histogram.every((bin, i) => i === 0 || histogram[i - 1]!.from < bin.from)
      );
    }),
  );
});
