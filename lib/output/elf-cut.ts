import type { PageBitmap } from '../filter/bitmap.ts';
import type { ElfLoad } from './elf-plan.ts';

/**
 * The parts of loads that are left without the pages of `missing` and everything from `endPfn` on: what is cut off is
 * memory that the dump does not have, not memory that was excluded.
 */
export function cutLoads(
  loads: readonly ElfLoad[],
  pageSize: number,
  endPfn: number,
  missing: PageBitmap | undefined,
): ElfLoad[] {
  return loads.flatMap((load) => {
    // Nothing of a load is lost behind its data: that was excluded.
    const dataEnd = load.paddr + load.fileSize;
    const parts: ElfLoad[] = [];
    let from = load.paddr;
    for (const [first, end] of cuts(from, dataEnd, pageSize, endPfn, missing)) {
      if (first > from) parts.push(slice(load, from, first));
      from = end;
    }
    if (from < load.paddr + load.memSize) parts.push(slice(load, from, load.paddr + load.memSize));
    return parts;
  });
}

/** Ranges without data between two addresses. */
function* cuts(
  start: number,
  end: number,
  pageSize: number,
  endPfn: number,
  missing: PageBitmap | undefined,
): Generator<[number, number]> {
  const limit = Math.min(end, endPfn * pageSize);
  let pfn = missing ? missing.nextSet(Math.floor(start / pageSize)) : -1;
  while (missing && pfn >= 0 && pfn * pageSize < limit) {
    const behind = missing.nextClear(pfn);
    yield [Math.max(pfn * pageSize, start), Math.min(behind * pageSize, end)];
    pfn = missing.nextSet(behind);
  }
  if (limit < end) yield [Math.max(limit, start), Number.POSITIVE_INFINITY];
}

/** The part of a load between two addresses. */
function slice(load: ElfLoad, from: number, to: number): ElfLoad {
  const skipped = from - load.paddr;
  const fileSize = Math.max(0, Math.min(load.fileSize, to - load.paddr) - skipped);
  return {
    ...load,
    paddr: from,
    vaddr: BigInt.asUintN(64, load.vaddr + BigInt(skipped)),
    offset: fileSize > 0 ? load.offset + skipped : -1,
    fileSize,
    memSize: to - from,
  };
}
