// Which pages a core has, before any is left out.
import t from 'tap';
import { existingPages, maxPfnOf } from '../../lib/filter/existing-pages.ts';
import { type Extent, makeExtents } from '../../lib/formats/extents.ts';

const page = 4096;

function runs(extents: readonly Extent[], maxPfn?: number) {
  const made = makeExtents(extents);
  const { all, withData } = existingPages(made, page, maxPfn ?? maxPfnOf(made, page));
  return { all: [...all.runs()], withData: [...withData.runs()] };
}

t.test('no memory, no page', async (t) => {
  t.equal(maxPfnOf(makeExtents([]), page), 0);
  t.same(runs([]), { all: [], withData: [] });
});

t.test('a page of which a byte exists is a page', async (t) => {
  const edges = { start: 2 * page - 1, end: 4 * page + 1, offset: 0 };
  t.equal(maxPfnOf(makeExtents([edges]), page), 5);
  t.same(runs([edges]), { all: [[1, 4]], withData: [[1, 4]] });
});

t.test('memory without data exists, but there is nothing to keep', async (t) => {
  const data = { start: page, end: 2 * page, offset: 0 };
  const none = { start: 2 * page, end: 4 * page, offset: -1 };
  t.same(runs([data, none]), { all: [[1, 3]], withData: [[1, 1]] });
});

t.test('a page that two segments share exists once', async (t) => {
  const first = { start: page, end: page + 100, offset: 0 };
  const second = { start: page + 200, end: 2 * page, offset: 5000 };
  t.same(runs([first, second]), { all: [[1, 1]], withData: [[1, 1]] });
});

t.test('pages behind the limit do not count', async (t) => {
  t.same(runs([{ start: 0, end: 10 * page, offset: 0 }], 4), { all: [[0, 4]], withData: [[0, 4]] });
});
