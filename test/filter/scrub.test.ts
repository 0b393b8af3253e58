// Ranges of physical memory, overwritten in what is read of it.
import fc from 'fast-check';
import t from 'tap';
import { disjointRanges, Scrubber, type ScrubRange } from '../../lib/filter/scrub.ts';

const memoryBytes = 256;

const range = fc
  .record({
    start: fc.integer({ min: 0, max: memoryBytes }),
    length: fc.integer({ min: 1, max: 64 }),
    byte: fc.constantFrom(0, 0x58),
  })
  .map(({ start, length, byte }): ScrubRange => ({ start, end: start + length, byte }));

/** Which bytes are overwritten: one by one. */
function isScrubbed(ranges: readonly ScrubRange[], paddr: number): boolean {
  return ranges.some(({ start, end }) => paddr >= start && paddr < end);
}

t.test('ranges become disjoint and ascending, and have the same bytes', async () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
      const disjoint = disjointRanges(ranges);
      for (let i = 1; i < disjoint.length; i++) {
        if (disjoint[i]!.start < disjoint[i - 1]!.end) return false;
      }
      for (let paddr = 0; paddr < memoryBytes + 80; paddr++) {
        if (isScrubbed(ranges, paddr) !== isScrubbed(disjoint, paddr)) return false;
      }
      return disjoint.every(({ start, end }) => start < end);
    }),
  );
});

t.test('every byte in a range is overwritten, and no other is', async () => {
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 12 }),
      fc.integer({ min: 0, max: memoryBytes }),
      fc.integer({ min: 0, max: 64 }),
      (ranges, paddr, length) => {
        const read = new Uint8Array(length).fill(0x2e);
        new Scrubber(disjointRanges(ranges)).scrub(paddr, read);
        return read.every((byte, i) => (byte !== 0x2e) === isScrubbed(ranges, paddr + i));
      },
    ),
  );
});
