import { native } from './native.ts';

/**
 * File ranges that are read and never mapped, as starts and ends, ascending and disjoint. In the capture kernel of an
 * s390x dump by firmware the first memory lies in the hardware's save area (HSA) instead of memory. A map leaves it out,
 * and each touch of it faults a page into the page cache of /proc/vmcore (remap_oldmem_pfn_range_zfcpdump(),
 * arch/s390/kernel/crash_dump.c; mmap_vmcore_fault(), fs/proc/vmcore.c), where memory is short; a read takes no page.
 */
export type CopiedRanges = Float64Array;

/** Longest pread of a copied range, in bytes. */
export const COPIED_READ_BYTES = 1 << 20;

/** Physical memory by ascending addresses, and where it is in the file: -1 where it has no data. */
interface Placed {
  readonly count: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly offset: Float64Array;
}

/** The file ranges of physical memory below `bytes`, in whole pages of the host; undefined where there are none. */
export function copiedBelow({ count, start, end, offset }: Placed, bytes: number): CopiedRanges | undefined {
  const { pageSize } = native();
  const ranges: { from: number; to: number }[] = [];
  for (let i = 0; i < count && start[i]! < bytes; i++) {
    if (offset[i]! < 0) continue;
    const length = Math.min(end[i]!, bytes) - start[i]!;
    ranges.push({
      from: Math.floor(offset[i]! / pageSize) * pageSize,
      to: Math.ceil((offset[i]! + length) / pageSize) * pageSize,
    });
  }
  const joined: number[] = [];
  for (const { from, to } of ranges.sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1) ?? -1;
    if (from > last) joined.push(from, to);
    else joined[joined.length - 1] = Math.max(last, to);
  }
  return joined.length > 0 ? Float64Array.from(joined) : undefined;
}

/** Whether the byte at file offset `position` is in one of them. */
export function isCopied(ranges: CopiedRanges | undefined, position: number): boolean {
  if (!ranges) return false;
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]! > position) high = middle;
    else low = middle + 1;
  }
  return low % 2 === 1;
}
