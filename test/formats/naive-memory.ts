import fc from 'fast-check';
import type { Extent } from '../../lib/formats/extents.ts';

/** What a physical address holds: a byte of the file by its offset, no data, or nothing. */
export type Place = number | 'no data' | 'absent';

/** Physical addresses of the ranges that are tried. */
export const MEMORY_BYTES = 96;
/** File offsets of their data. */
export const FILE_BYTES = 160;

/** Ranges as program headers claim them: overlapping, touching, empty, in any order. */
export const anyRanges: fc.Arbitrary<Extent[]> = fc.array(
  fc
    .record({
      start: fc.nat(MEMORY_BYTES - 24),
      length: fc.nat(24),
      offset: fc.oneof(fc.nat(FILE_BYTES - 24), fc.constant(-1)),
    })
    .map(({ start, length, offset }) => ({ start, end: start + length, offset })),
  { maxLength: 10 },
);

/** One byte after the other: the first range with data that covers it, else any range that does. */
export function placesOf(ranges: readonly Extent[]): Place[] {
  return Array.from({ length: MEMORY_BYTES }, (_, paddr) => {
    const covering = ranges.filter(({ start, end }) => start <= paddr && paddr < end);
    const first = covering.find(({ offset }) => offset >= 0);
    if (first) return first.offset + paddr - first.start;
    return covering.length > 0 ? 'no data' : 'absent';
  });
}
