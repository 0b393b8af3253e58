import fc from 'fast-check';
import t from 'tap';
import { type Extent, type Extents, findExtent, makeExtents } from '../../lib/formats/extents.ts';
import { anyRanges, MEMORY_BYTES, type Place, placesOf } from './naive-memory.ts';

function list({ count, start, end, offset }: Extents): Extent[] {
  return Array.from({ length: count }, (_, i) => ({ start: start[i]!, end: end[i]!, offset: offset[i]! }));
}

/** What an address holds, found by findExtent. */
function place(extents: Extents, paddr: number): Place {
  const index = findExtent(extents, paddr);
  if (index === extents.count || extents.start[index]! > paddr) return 'absent';
  const offset = extents.offset[index]!;
  return offset < 0 ? 'no data' : offset + paddr - extents.start[index]!;
}

function continues(before: Extent, after: Extent): boolean {
  if (before.end !== after.start) return false;
  if (before.offset < 0 || after.offset < 0) return before.offset === after.offset;
  return before.offset + before.end - before.start === after.offset;
}

t.test('every byte is where the first range that has it says', async (t) => {
  fc.assert(
    fc.property(anyRanges, (ranges) => {
      const extents = makeExtents(ranges);
      const found = Array.from({ length: MEMORY_BYTES }, (_, paddr) => place(extents, paddr));
      return found.every((where, paddr) => where === placesOf(ranges)[paddr]);
    }),
  );
  t.pass();
});

t.test('extents ascend, are disjoint, have bytes, and are as few as can be', async (t) => {
  fc.assert(
    fc.property(anyRanges, (ranges) => {
      const extents = list(makeExtents(ranges));
      return extents.every((extent, i) => {
        const before = extents[i - 1];
        const ascends = !before || (before.end <= extent.start && !continues(before, extent));
        return extent.start < extent.end && ascends;
      });
    }),
  );
  t.pass();
});

t.test(
  'the first listed range keeps what two claim, the other one keeps the rest on both sides',
  async (t) => {
    const kernelText = { start: 0x2000, end: 0x3000, offset: 0x100 };
    const ram = { start: 0x1000, end: 0x5000, offset: 0x10000 };
    t.same(list(makeExtents([kernelText, ram])), [
      { start: 0x1000, end: 0x2000, offset: 0x10000 },
      { start: 0x2000, end: 0x3000, offset: 0x100 },
      { start: 0x3000, end: 0x5000, offset: 0x12000 },
    ]);
    t.same(list(makeExtents([ram, kernelText])), [ram]);
    t.same(list(makeExtents([{ ...ram, offset: -1 }, kernelText])).length, 3, 'data comes before none');
  },
);

t.test('neighbours that lie together in memory and in the file are one', async (t) => {
  const [first, second] = [
    { start: 0, end: 10, offset: 5 },
    { start: 10, end: 20, offset: 15 },
  ];
  t.same(list(makeExtents([second, first])), [{ start: 0, end: 20, offset: 5 }]);
  t.equal(makeExtents([first, { ...second, offset: 16 }]).count, 2);
  t.equal(makeExtents([first, { ...second, offset: -1 }]).count, 2);
  t.equal(makeExtents([]).count, 0);
});

t.test('many ranges, each over the one before', async (t) => {
  const count = 100_000;
  const stairs = Array.from({ length: count }, (_, i) => ({ start: i, end: i + count, offset: i * 4096 }));
  const extents = makeExtents(stairs);
  t.same(list(extents)[0], { start: 0, end: count, offset: 0 });
  t.equal(extents.count, count);
  t.equal(extents.end[count - 1], 2 * count - 1);
});
