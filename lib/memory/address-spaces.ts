import type { AddressSpace, Architecture, KernelFacts, ReadEntry } from '../arch/arch.ts';
import { type LinearRange, SegmentSpace } from '../arch/segment-space.ts';
import { isLostData } from '../errors.ts';
import type { OpenedCore, Segment } from '../formats/core-file.ts';
import type { PhysicalMemory } from './physical.ts';

/** Top tables begin at multiples of this, in bytes. */
const TABLE_ALIGN = 4096;

/** The address spaces of a core: that of its kernel, and any whose top table is known. */
export class AddressSpaces {
  readonly #architecture: Architecture | undefined;
  readonly #facts: KernelFacts | undefined;
  readonly #physBase: number;
  readonly #readEntry: ReadEntry;

  /** Page tables are read from `tables`; `physBase` is phys_base in bytes. */
  constructor(
    architecture: Architecture | undefined,
    facts: KernelFacts | undefined,
    physBase: number,
    tables: PhysicalMemory,
  ) {
    this.#architecture = architecture;
    this.#facts = facts;
    this.#physBase = physBase;
    this.#readEntry = (paddr) => tables.u64(paddr);
  }

  /** By page tables where VMCOREINFO tells of them, else by the program headers. */
  kernel({ segments }: OpenedCore, arch: string): AddressSpace {
    let why = this.#facts
      ? `the page tables of this ${arch} kernel are not known`
      : 'without VMCOREINFO the page tables are not known';
    try {
      const pageTables = this.#at();
      if (pageTables) return pageTables;
    } catch (error) {
      if (!isLostData(error)) throw error;
      why = error.message;
    }
    return new SegmentSpace(linearRanges(segments, this.directMap()), why);
  }

  /** Virtual address of physical address 0 where all memory is mapped in parallel to it; undefined where nothing tells. */
  directMap(): bigint | undefined {
    return this.#architecture?.directMap?.(this.#facts, this.#readEntry);
  }

  /** Where the kernel's image is mapped; undefined where nothing tells. */
  kernelImage(): LinearRange | undefined {
    return this.#facts && this.#architecture?.kernelImage?.(this.#facts, this.#physBase, this.#readEntry);
  }

  /**
   * By the top table at a physical address, of which the lowest bits do not count: CR3 has other things in them, and so has
   * the ASCE of s390x. Undefined where the architecture's page tables are not known.
   */
  ofTable(paddr: number): AddressSpace | undefined {
    return this.#at(paddr - (paddr % TABLE_ALIGN));
  }

  #at(root?: number): AddressSpace | undefined {
    return this.#facts && this.#architecture?.pageTables(this.#facts, this.#physBase, this.#readEntry, root);
  }
}

/** In QEMU's dumps the virtual address is 0 in all PT_LOADs. */
function linearRanges(segments: readonly Segment[], directMap: bigint | undefined): LinearRange[] {
  return segments.flatMap(({ vaddr, paddr, memSize }) => {
    if (paddr === undefined || (vaddr === 0n && directMap === undefined)) return [];
    return [{ vaddr: vaddr || directMap! + BigInt(paddr), paddr, size: memSize }];
  });
}
