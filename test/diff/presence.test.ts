// Which pages two cores have, by what each has of every single one.
import fc from 'fast-check';
import t from 'tap';
import { type JointRun, jointRuns } from '../../lib/diff/presence.ts';
import { type Extent, makeExtents } from '../../lib/formats/extents.ts';

const PAGE = 8;
const PAGES = 30;

const extent = fc
  .tuple(fc.nat(PAGE * PAGES - 1), fc.integer({ min: 1, max: 40 }), fc.boolean())
  .map(([start, length, hasData]): Extent => {
    return { start, end: Math.min(start + length, PAGE * PAGES), offset: hasData ? start : -1 };
  });
const extents = fc.array(extent, { maxLength: 12 });

/** 2 where there is a byte of the page, 1 where the page existed, else 0. */
function presence(ranges: readonly Extent[], pfn: number): number {
  const own = ranges.filter(({ start, end }) => start < (pfn + 1) * PAGE && end > pfn * PAGE);
  return Math.max(0, ...own.map(({ offset }) => (offset >= 0 ? 2 : 1)));
}

function pagesOf(runs: Iterable<JointRun>): string[] {
  return [...runs].flatMap(({ pfn, end, a, b }) =>
    Array.from({ length: end - pfn }, (_, i) => `${pfn + i}: ${a} ${b}`),
  );
}

t.test('every page of which either has data, once and ascending', async (t) => {
  fc.assert(
    fc.property(extents, extents, (a, b) => {
      const expected = Array.from({ length: PAGES }, (_, pfn) => [
        pfn,
        presence(a, pfn),
        presence(b, pfn),
      ]).flatMap(([pfn, a, b]) => (a === 2 || b === 2 ? [`${pfn}: ${a} ${b}`] : []));
      t.strictSame(pagesOf(jointRuns(makeExtents(a), makeExtents(b), PAGE)), expected);
    }),
  );
});

t.test('runs are as long as they can be, wherever they lie', async (t) => {
  const far = 2 ** 51;
  const a = makeExtents([{ start: far, end: far + 2 ** 30, offset: 0 }]);
  const b = makeExtents([{ start: far + 4096, end: far + 8192, offset: -1 }]);
  const first = far / 4096;
  t.strictSame(
    [...jointRuns(a, b, 4096)],
    [
      { pfn: first, end: first + 1, a: 2, b: 0 },
      { pfn: first + 1, end: first + 2, a: 2, b: 1 },
      { pfn: first + 2, end: first + 2 ** 18, a: 2, b: 0 },
    ],
  );
});
