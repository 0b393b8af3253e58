// A bitmap behaves like a set of page frames, whatever the borders of its bytes.
import fc from 'fast-check';
import t from 'tap';
import { PageBitmap } from '../../lib/filter/bitmap.ts';

const pages = 45; // five whole bytes and a part

/** A range that may begin and end outside. */
const range = fc.tuple(fc.integer({ min: -3, max: 50 }), fc.integer({ min: -3, max: 50 }));
const change = fc.record({ kind: fc.constantFrom('set', 'clear'), range });

function apply(model: Set<number>, kind: string, from: number, to: number): number {
  let cleared = 0;
  for (let pfn = Math.max(from, 0); pfn < Math.min(to, pages); pfn++) {
    if (kind === 'set') model.add(pfn);
    else if (model.delete(pfn)) cleared++;
  }
  return cleared;
}

function runsOf(model: ReadonlySet<number>): [number, number][] {
  const runs: [number, number][] = [];
  for (let pfn = 0; pfn < pages; pfn++) {
    if (!model.has(pfn)) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === pfn) last[1]++;
    else runs.push([pfn, 1]);
  }
  return runs;
}

function find(from: number, wanted: (pfn: number) => boolean): number | undefined {
  for (let pfn = Math.max(from, 0); pfn < pages; pfn++) if (wanted(pfn)) return pfn;
  return undefined;
}

function sameAsModel(
  bitmap: PageBitmap,
  model: ReadonlySet<number>,
  [from, to]: readonly [number, number],
): boolean {
  const inRange = [...model].filter((pfn) => pfn >= from && pfn < to).length;
  return (
    Array.from({ length: pages + 6 }, (_, i) => i - 3).every((pfn) => bitmap.has(pfn) === model.has(pfn)) &&
    bitmap.count() === model.size &&
    bitmap.count(from, to) === inRange &&
    bitmap.nextSet(from) === (find(from, (pfn) => model.has(pfn)) ?? -1) &&
    bitmap.nextClear(from) === (find(from, (pfn) => !model.has(pfn)) ?? pages) &&
    JSON.stringify([...bitmap.runs()]) === JSON.stringify(runsOf(model)) &&
    bitmap.bytes[5]! >> 5 === 0 // behind the last page
  );
}

t.test('set, clear, count, nextSet, nextClear and runs do what a set of page frames does', async () => {
  const sameForever = fc.property(fc.array(change, { maxLength: 12 }), range, (changes, asked) => {
    const bitmap = new PageBitmap(pages);
    const model = new Set<number>();
    return changes.every(({ kind, range: [from, to] }) => {
      const expected = apply(model, kind, from, to);
      if (kind === 'set') bitmap.set(from, to);
      const clearedAsExpected = kind === 'set' || bitmap.clear(from, to) === expected;
      return clearedAsExpected && sameAsModel(bitmap, model, asked);
    });
  });
  fc.assert(sameForever, { numRuns: 500 });
});

t.test('the first page of a byte is its lowest bit', async (t) => {
  const bitmap = new PageBitmap(16);
  bitmap.set(8, 10);
  t.same([...bitmap.bytes], [0, 0b11]);
});

t.test('many bits are counted as few are, wherever they begin', async (t) => {
  const pages = 4096;
  const memory = Uint8Array.from({ length: pages / 8 + 4 }, (_, i) => (i * i * 37) >> 3);
  const long = fc.property(fc.nat(3), fc.nat(pages), fc.nat(pages), (offset, from, to) => {
    const bitmap = new PageBitmap(pages, memory.subarray(offset, offset + pages / 8));
    let expected = 0;
    for (let pfn = from; pfn < to; pfn++) if (bitmap.has(pfn)) expected++;
    return bitmap.count(from, to) === expected;
  });
  fc.assert(long, { numRuns: 300 });
  t.equal(new PageBitmap(8000, new Uint8Array(1000).fill(255)).count(), 8000);
});

t.test('a copy has bits of its own', async (t) => {
  const bitmap = new PageBitmap(16);
  bitmap.set(0, 16);
  bitmap.copy().clear(0, 16);
  t.equal(bitmap.count(), 16);
});

t.test('bits of other pages in the memory of those before, as far as it is enough', async (t) => {
  const before = new PageBitmap(128, undefined, 64);
  before.set(64, 128);
  const after = before.renew(128, 168);
  t.equal(after.bytes.buffer, before.bytes.buffer);
  t.same([after.firstPfn, after.endPfn, after.bytes.length, after.count()], [128, 168, 5, 0]);
  after.set(167, 168);
  t.same([...after.runs()], [[167, 1]]);
  const more = after.renew(168, 1000);
  t.not(more.bytes.buffer, before.bytes.buffer);
  t.same([more.pages, more.count()], [832, 0]);
});

t.test('no page at all', async (t) => {
  const bitmap = new PageBitmap(0);
  bitmap.set(0, 10);
  t.same([bitmap.count(), bitmap.nextSet(0), bitmap.nextClear(0), [...bitmap.runs()]], [0, -1, 0, []]);
});
