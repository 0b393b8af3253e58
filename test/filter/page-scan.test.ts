// The scan decides as the model does: for every kernel, both byte orders, any cut into chunks and any page frames.
import fc from 'fast-check';
import t from 'tap';
import { PAGE_CLASSES } from '../../lib/filter/page-class.ts';
import { type Generation, generations } from '../support/page-generations.ts';
import { anon, block, compound, file, free, type PageFields } from '../support/page-writer.ts';
import { modelClasses } from './page-model.ts';
import { type Scanned, scanPages } from './scan-pages.ts';

const flag = fc.constantFrom('lru', 'private', 'swapcache', 'swapbacked', 'slab', 'hwpoison', 'head');
const type = fc.constantFrom('BUDDY', 'OFFLINE', 'SLAB', 'UNACCEPTED');
const order = fc.integer({ min: 0, max: 4 });
const single: fc.Arbitrary<PageFields> = fc
  .record(
    {
      flags: fc.uniqueArray(flag, { maxLength: 3 }),
      type: fc.option(type, { nil: undefined, freq: 3 }),
      mapping: fc.constantFrom(0n, anon, file, 2n),
      private: fc.bigInt({ min: 0n, max: 12n }),
      tail: fc.boolean(),
      order: fc.integer({ min: 0, max: 30 }),
      hugetlb: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .map(({ type: of, ...page }) => (of ? { ...page, type: of } : page));
const group = fc.oneof(
  single.map((page) => [page]),
  order.map(free),
  fc.tuple(order, single).map(([of, page]) => block(of, page)),
  fc
    .tuple(order, single, single)
    .map(([of, head, tail]) => compound(of, head, { 2: { ...tail, tail: true } }).slice(0, 2 ** of)),
);
const pages = fc.array(group, { minLength: 1, maxLength: 20 }).map((groups) => groups.flat());

function classesOf({ scan, dropped }: Scanned): [string, number][] {
  const counts = PAGE_CLASSES.map((name, i): [string, number] => [name, scan.counts[i]!]);
  return [...counts, ['dropped', dropped.length]];
}

function expectedOf(classes: readonly (string | undefined)[]): [string, number][] {
  const counts = PAGE_CLASSES.map((name): [string, number] => [
    name,
    classes.filter((c) => c === name).length,
  ]);
  return [...counts, ['dropped', classes.filter((c) => c !== undefined).length]];
}

/** undefined when scan and model agree. */
function disagreement(generation: Generation, list: readonly PageFields[], level: number, scanned: Scanned) {
  const classes = modelClasses(generation, list, level).slice(0, list.length);
  const expected = classes.flatMap((name, i) => (name ? [i] : []));
  const found = JSON.stringify([scanned.dropped, classesOf(scanned)]);
  const wanted = JSON.stringify([expected, expectedOf(classes)]);
  return found === wanted ? undefined : `${found} instead of ${wanted}`;
}

for (const generation of Object.values(generations)) {
  t.test(`${generation.release}: any pages, any level, as the model decides`, async () => {
    const level = fc.integer({ min: 0, max: 31 });
    const chunkPages = fc.integer({ min: 1, max: 100 }).map((pairs) => pairs * 2);
    const property = fc.property(pages, level, fc.boolean(), chunkPages, (list, at, littleEndian, chunk) => {
      const scanned = scanPages(generation, list, at, { littleEndian, chunkPages: chunk });
      const wrong = disagreement(generation, list, at, scanned);
      if (wrong) throw new Error(wrong);
    });
    fc.assert(property, { numRuns: 300 });
  });

  t.test(`${generation.release}: hugetlb pages and their orders`, async (t) => {
    const list = compound(4, { hugetlb: true });
    for (const littleEndian of [true, false]) {
      t.equal(scanPages(generation, list, 8, { littleEndian }).dropped.length, 16);
      t.equal(scanPages(generation, list, 23, { littleEndian }).dropped.length, 0);
      t.equal(scanPages(generation, compound(4, {}), 31, { littleEndian }).dropped.length, 0);
    }
  });
}

for (const size of [56, 80]) {
  t.test(`struct pages of ${size} bytes`, async (t) => {
    const generation = { ...generations['6.2'], size };
    const list = [
      {},
      {},
      ...compound(1, { flags: ['lru'], mapping: anon }),
      ...free(2),
      { flags: ['hwpoison'] } as const,
    ];
    t.same(scanPages(generation, list, 31).dropped, [2, 3, 4, 5, 6, 7, 8]);
  });
}

t.test('page frames beyond 2^32', async (t) => {
  const list = [
    ...free(3),
    ...compound(2, { flags: ['lru'], mapping: anon }),
    {},
    { flags: ['lru'] } as const,
  ];
  const scanned = scanPages(generations['6.12'], list, 31, { firstPfn: 2 ** 33, chunkPages: 4 });
  t.same(scanned.dropped, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13]);
});

t.test('a block that goes on behind its chunk is left out to its end', async (t) => {
  const list = [...free(5), { flags: ['lru'] } as const];
  t.equal(scanPages(generations['6.2'], list, 16, { chunkPages: 2 }).dropped.length, 32);
  t.same(scanPages(generations['6.2'], list, 2, { chunkPages: 2 }).dropped, [32]);
});

t.test('a block whose first page the core does not have is kept', async (t) => {
  t.same(scanPages(generations['6.2'], free(2), 16, { missing: [0] }).dropped, []);
});

t.test('pages that the core does not have count nowhere', async (t) => {
  const scanned = scanPages(generations['6.2'], free(3), 16, { missing: [2, 5], collect: 'free' });
  t.same(scanned.dropped, [0, 1, 3, 4, 6, 7]);
  t.equal(scanned.scan.counts[PAGE_CLASSES.indexOf('free')], 6);
  t.same(
    [...scanned.collected.runs()],
    [
      [0, 2],
      [3, 2],
      [6, 2],
    ],
    'nor are they collected',
  );
});

t.test('a free block at a page frame that is no multiple of its length is none', async (t) => {
  t.same(scanPages(generations['6.2'], [{}, ...free(1), {}], 16).dropped, []);
});

t.test('gigantic pages', async (t) => {
  const list = compound(1, { hugetlb: true }, { 1: { tail: true, hugetlb: true, order: 22 } });
  const { scan } = scanPages(generations['6.12'], [...list, { flags: ['lru'] }], 31);
  t.equal(scan.counts[PAGE_CLASSES.indexOf('user')], 3, '16 GiB go on behind the scan');
});
