import t from 'tap';
import { estimateTotal } from '../../lib/estimate/interval.ts';
import { randomIntegers } from '../../lib/estimate/random.ts';
import { RegionSample } from '../../lib/estimate/region-sample.ts';

t.setTimeout(300_000);

const PAGE = 4096;

function region(pages: number, sizes: readonly number[]) {
  const sum = sizes.reduce((all, size) => all + size, 0);
  return { pages, drawn: sizes.length, sum, squares: sizes.reduce((all, size) => all + size * size, 0) };
}

t.test('what was read as a whole is exact', async (t) => {
  const total = estimateTotal([region(3, [10, 20, 30]), region(1, [4096])], PAGE);
  t.strictSame(total, { bytes: 4156, low: 4156, high: 4156 });
  t.strictSame(estimateTotal([], PAGE), { bytes: 0, low: 0, high: 0 });
});

t.test('by hand: two regions, two pages of each', async (t) => {
  const { bytes, low, high } = estimateTotal([region(10, [100, 300]), region(20, [50, 50])], 0);
  t.equal(bytes, 3000);
  // 10 * (10 - 2) / 2 * 20000 is the variance; with one degree of freedom Student's quantile is 12.71.
  const half = 12.706 * Math.sqrt(800_000);
  t.equal(low, 500, 'not below what was seen');
  t.equal(high, 500, 'nor above what can be there: no page is larger than 0');
  const wide = estimateTotal([region(10, [100, 300]), region(20, [50, 50])], 1000);
  t.ok(wide.high - wide.bytes > 0.95 * half, 'the series for the quantile is good to a few percent');
});

t.test('many intervals that are to hold together are wider', async (t) => {
  const regions = Array.from({ length: 1000 }, () => region(1000, [0, PAGE]));
  const halves = [1, 15].map((together) => {
    const { bytes, high } = estimateTotal(regions, PAGE, together);
    return high - bytes;
  });
  // The quantiles of 0.05 and of 0.05 / 15: 1.960 and 2.935.
  t.ok(Math.abs(halves[1]! / halves[0]! - 2.935 / 1.96) < 0.01);
});

t.test('pages that all look the same are no proof that all are', async (t) => {
  const total = estimateTotal([region(1_000_000, new Array(2048).fill(0))], PAGE);
  t.equal(total.bytes, 0);
  t.ok(total.high >= (3 / 2048) * 0.99e6 * PAGE, 'three of the pages drawn could have been others');
  t.equal(total.low, 0);
});

/** Sizes of pages as memory has them: what is alike lies together. */
const populations: Record<string, (pages: number, random: () => number) => Float64Array> = {
  'compressed pages': (pages, random) =>
    Float64Array.from({ length: pages }, (_, i) => 200 + ((i >> 9) % 7) * 300 + (random() % 1500)),
  'zeros and full pages in runs': (pages, random) => {
    const sizes = new Float64Array(pages);
    for (let i = 0; i < pages; ) {
      const length = 1 + (random() % 700);
      sizes.fill(random() % 3 === 0 ? PAGE : 0, i, i + length);
      i += length;
    }
    return sizes;
  },
  'one page of fifty, anywhere': (pages, random) =>
    Float64Array.from({ length: pages }, () => (random() % 50 === 0 ? PAGE : 0)),
  'all in one place': (pages) => Float64Array.from({ length: pages }, (_, i) => (i > pages * 0.9 ? 3000 : 0)),
};

t.test('the interval holds the size of populations in 19 of 20 cases', async (t) => {
  for (const [name, make] of Object.entries(populations)) {
    const sizes = make(60_000, randomIntegers(42));
    const real = sizes.reduce((sum, size) => sum + size, 0);
    let inside = 0;
    const tries = 200;
    for (let seed = 1; seed <= tries; seed++) {
      const sample = new RegionSample(sizes.length, seed * 7919);
      const drawn: number[][] = Array.from({ length: sample.regions }, () => []);
      for (const { region, rank } of sample.drawTo(2)) drawn[region]!.push(sizes[rank]!);
      const { low, high } = estimateTotal(
        drawn.map((seen, i) => region(sample.sizeOf(i), seen)),
        PAGE,
      );
      if (low <= real && real <= high) inside++;
    }
    t.ok(inside >= 0.93 * tries, `${name}: ${inside} of ${tries}`);
  }
});
