import type { LinearRange } from '../arch/segment-space.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import type { Segment } from '../formats/core-file.ts';

/** What is known of the virtual addresses of a core in a format without program headers. */
export interface AddressFacts {
  /** Virtual address of physical address 0, where all memory is mapped in parallel to it. */
  readonly directMap: bigint | undefined;
  /** Where the kernel's image is mapped. */
  readonly image: LinearRange | undefined;
}

const READ_WRITE_EXECUTE = 7;

/**
 * Program headers for a core that has none, as /proc/vmcore has them: the kernel's image first, then one for each run of
 * pages. Other virtual addresses than the image's are in its page tables only: 0 stands for them, as in QEMU's cores.
 */
export function coreSegments(
  existing: PageBitmap,
  pageSize: number,
  { directMap, image }: AddressFacts,
): Segment[] {
  const runs = Array.from(existing.runs(), ([firstPfn, count]) => {
    const paddr = firstPfn * pageSize;
    const vaddr = directMap === undefined ? 0n : directMap + BigInt(paddr);
    return segment({ vaddr, paddr, size: count * pageSize });
  });
  return image ? [segment(image), ...runs] : runs;
}

function segment({ vaddr, paddr, size }: LinearRange): Segment {
  return { paddr, vaddr, offset: 0, fileSize: size, memSize: size, flags: READ_WRITE_EXECUTE, align: 0n };
}
