// What the bitmaps of a compressed dump say: held against page frames one by one, and in turns where they are large.
import fc from 'fast-check';
import t from 'tap';
import { extentsOf, findContradiction, type KdumpBitmaps } from '../../lib/formats/kdump-bitmaps.ts';
import { PageRank } from '../../lib/formats/page-rank.ts';
import { Turns } from '../../lib/turns.ts';

const PAGE = 4096;
const file = { name: 'dump', size: 0 };
const turns = new Turns(undefined);

/** 0 for a page frame that does not exist, 1 for one that was left out, 2 for one with a page. */
function bitmapsOf(states: readonly number[]): KdumpBitmaps {
  const bitmap1 = new Uint8Array(Math.ceil(states.length / 8));
  const bitmap2 = bitmap1.slice();
  states.forEach((state, pfn) => {
    if (state >= 1) bitmap1[pfn >> 3]! |= 1 << (pfn & 7);
    if (state === 2) bitmap2[pfn >> 3]! |= 1 << (pfn & 7);
  });
  return { bitmap1, bitmap2 };
}

/** As [start, end, offset]. */
function model(states: readonly number[]): [number, number, number][] {
  const found: [number, number, number][] = [];
  states.forEach((state, pfn) => {
    const last = found.at(-1);
    if (state === 0) return;
    if (last && state === states[pfn - 1]) last[1] += PAGE;
    else found.push([pfn * PAGE, (pfn + 1) * PAGE, state === 2 ? pfn * PAGE : -1]);
  });
  return found;
}

/** Runs of one state each, so that there are whole bytes of it too. */
const runs = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 40 })), { maxLength: 30 });

t.test('extents and ranks, as a model has them', async (t) => {
  await fc.assert(
    fc.asyncProperty(runs, async (list) => {
      const states = list.flatMap(([state, length]) => new Array<number>(length).fill(state));
      const bitmaps = bitmapsOf(states);
      const { count, start, end, offset } = await extentsOf(bitmaps, PAGE, file, turns);
      const extents = Array.from({ length: count }, (_, i) => [start[i], end[i], offset[i]]);
      t.strictSame(extents, model(states));
      const rank = await PageRank.of(bitmaps.bitmap2, turns);
      let before = 0;
      states.forEach((state, pfn) => {
        if (rank.rank(pfn) !== before || rank.has(pfn) !== (state === 2)) t.fail(`pfn ${pfn}`);
        if (state === 2) before++;
      });
      t.equal(rank.total, before);
    }),
    { numRuns: 200 },
  );
});

t.test('the byte with a page that does not exist', async (t) => {
  const bitmap1 = new Uint8Array(200_000).fill(0x7f);
  const bitmap2 = bitmap1.slice();
  t.equal(await findContradiction({ bitmap1, bitmap2 }, turns), -1);
  bitmap2[150_000] = 0x80;
  t.equal(await findContradiction({ bitmap1, bitmap2 }, turns), 150_000);
});

t.test('each page frame unlike the one before: in turns, and it can be interrupted', async (t) => {
  const bitmap = new Uint8Array(1 << 20).fill(0x55);
  const bitmaps = { bitmap1: bitmap, bitmap2: bitmap };
  const { count, end } = await extentsOf(bitmaps, PAGE, file, turns);
  t.same([count, end[count - 1]], [2 ** 22, (2 ** 23 - 1) * PAGE]);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 1);
  const interrupted = extentsOf(bitmaps, PAGE, file, new Turns(controller.signal));
  await t.rejects(interrupted, { message: 'enough' });
});

t.test('no memory is taken for more of them than a dump of its length can have', async (t) => {
  const bitmap1 = new Uint8Array(2 << 20).fill(0xff);
  const bitmap2 = new Uint8Array(2 << 20).fill(0xaa);
  const tooMany = extentsOf({ bitmap1, bitmap2 }, PAGE, file, turns);
  await t.rejects(tooMany, {
    code: 'ERR_VMCORE_CORRUPT',
    file: 'dump',
    message: /16777216 pieces of memory/,
  });
  const long = { name: 'dump', size: 2 ** 24 * 24 };
  t.match(await extentsOf({ bitmap1, bitmap2 }, PAGE, long, turns), { count: 2 ** 24 });
});
