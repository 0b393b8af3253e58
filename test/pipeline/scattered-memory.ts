// Physical memory that lies in a file in every way a core's segments allow, and what its pages hold.
import fc from 'fast-check';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { type Extent, type Extents, makeExtents } from '../../lib/formats/extents.ts';

export const PAGE = 4096;
/** Page frames of memory. */
const MEMORY_PAGES = 64;
/** Bytes of the file. It does not end at a page. */
const FILE_BYTES = 128 * PAGE + 123;

export interface ScatteredMemory {
  readonly extents: Extents;
  readonly wanted: PageBitmap;
  /** The bytes of a page; zeros where there are none in the file. */
  page(pfn: number): Uint8Array;
}

/** The bytes of the file; every page differs from its neighbours. */
export const file = Uint8Array.from({ length: FILE_BYTES }, (_, at) => (at * 7 + (at >> 8) * 13 + 1) & 0xff);

const bytesUpTo = (pages: number) =>
  fc.oneof(
    fc.nat(pages).map((count) => count * PAGE),
    fc.nat(pages * PAGE),
  );

/** A PT_LOAD: anywhere in memory and in the file, with memory behind its data that has none. */
const segment = fc
  .record({
    paddr: bytesUpTo(MEMORY_PAGES - 1),
    fileSize: bytesUpTo(64),
    withoutData: fc.oneof(fc.constant(0), bytesUpTo(8)),
    offset: bytesUpTo(64),
  })
  .map(({ paddr, fileSize, withoutData, offset }): Extent[] => {
    const dataEnd = Math.min(paddr + fileSize, MEMORY_PAGES * PAGE);
    return [
      { start: paddr, end: dataEnd, offset },
      { start: dataEnd, end: Math.min(dataEnd + withoutData, MEMORY_PAGES * PAGE), offset: -1 },
    ];
  });

const runOfPages = fc.tuple(fc.nat(MEMORY_PAGES), fc.integer({ min: 1, max: 20 }));

/** Some pages, or every page that has a byte of an extent. */
const wantedPages = fc.option(fc.array(runOfPages, { maxLength: 12 }), { nil: undefined, freq: 3 });

export const scatteredMemory: fc.Arbitrary<ScatteredMemory> = fc
  .record({ segments: fc.array(segment, { minLength: 1, maxLength: 10 }), runs: wantedPages })
  .map(({ segments, runs }) => {
    const ranges = segments.flat().filter(({ start, end }) => start < end);
    const wanted = new PageBitmap(MEMORY_PAGES);
    if (runs) for (const [first, count] of runs) wanted.set(first, first + count);
    else for (const { start, end } of ranges) wanted.set(Math.floor(start / PAGE), Math.ceil(end / PAGE));
    const offsets = fileOffsets(ranges);
    return { extents: makeExtents(ranges), wanted, page: (pfn) => pageOf(offsets, pfn) };
  });

/** For each byte of memory its file offset or -1, painted over: the first range in the list last, as it wins. */
function fileOffsets(ranges: readonly Extent[]): Int32Array {
  const offsets = new Int32Array(MEMORY_PAGES * PAGE).fill(-1);
  for (const { start, end, offset } of ranges.toReversed()) {
    if (offset >= 0) for (let at = start; at < end; at++) offsets[at] = offset + at - start;
  }
  return offsets;
}

function pageOf(offsets: Int32Array, pfn: number): Uint8Array {
  const page = new Uint8Array(PAGE);
  for (let at = 0; at < PAGE; at++) {
    const offset = offsets[pfn * PAGE + at]!;
    if (offset >= 0) page[at] = file[offset]!;
  }
  return page;
}
