import t from 'tap';
import { RegionSample } from '../../lib/estimate/region-sample.ts';

t.setTimeout(300_000);

/** Which pages of 0 to `pages` - 1 are drawn, step by step. */
function draw(pages: number, seed: number, ...counts: number[]): number[] {
  const sample = new RegionSample(pages, seed);
  return counts.flatMap((count) => [...sample.drawTo(count)].map(({ rank }) => rank));
}

t.test('pages are drawn without replacement, of all regions alike', async (t) => {
  for (const pages of [0, 1, 2, 7, 8, 9, 100, 8192, 8193, 1_000_003]) {
    const sample = new RegionSample(pages, 1);
    const drawn: number[] = [];
    for (const count of [2, 4, 8]) {
      const more = [...sample.drawTo(count)].map(({ rank }) => rank);
      t.strictSame(
        more,
        [...more].sort((a, b) => a - b),
        'ascending',
      );
      drawn.push(...more);
      t.equal(drawn.length, sample.sizeAt(count));
    }
    t.equal(new Set(drawn).size, drawn.length, `${pages} pages, ${drawn.length} of them`);
    t.ok(drawn.every((rank) => rank >= 0 && rank < pages));
    const regions = Array.from({ length: sample.regions }, (_, region) => region);
    const uneven = regions.filter((one) => sample.drawnOf(one) !== Math.min(8, sample.sizeOf(one)));
    t.strictSame(uneven, []);
  }
});

t.test('all of them in the end', async (t) => {
  const drawn = draw(10_000, 7, 2, 4, 8, 16);
  t.strictSame(
    drawn.sort((a, b) => a - b),
    Array.from({ length: 10_000 }, (_, i) => i),
  );
});

t.test('a seed draws the same, another one others', async (t) => {
  t.strictSame(draw(100_000, 5, 2, 4), draw(100_000, 5, 2, 4));
  t.notSame(draw(100_000, 5, 4), draw(100_000, 6, 4));
});

t.test('every page is as likely as any other', async (t) => {
  const times = new Float64Array(16);
  const draws = 4000;
  for (let seed = 1; seed <= draws; seed++) for (const rank of draw(16, seed * 7919, 2)) times[rank]! += 1;
  // Two of eight pages in each region: a quarter of the draws, with a deviation of 27.
  for (const count of times) t.ok(Math.abs(count - draws / 4) < 5 * 27, `${count} of ${draws / 4}`);
});
