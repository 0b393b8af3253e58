import { hex, VmcoreError } from '../errors.ts';
import type { AddressSpace, Translation, WalkStep } from './arch.ts';

/** A range that program headers map: virtual and physical addresses run in parallel. */
export interface LinearRange {
  readonly vaddr: bigint;
  readonly paddr: number;
  /** In bytes. */
  readonly size: number;
}

/**
 * The virtual addresses that a core's program headers give: kernel image and direct map. It serves where no page
 * tables can be found, so a core without VMCOREINFO still answers for most of the kernel.
 */
export class SegmentSpace implements AddressSpace {
  readonly #ranges: readonly LinearRange[];
  readonly #why: string;

  /** `why` says in errors why there are no page tables. */
  constructor(ranges: readonly LinearRange[], why: string) {
    this.#ranges = ranges;
    this.#why = why;
  }

  translate(vaddr: bigint): Translation {
    for (const range of this.#ranges) {
      const offset = vaddr - range.vaddr;
      if (offset < 0n || offset >= BigInt(range.size)) continue;
      return { paddr: range.paddr + Number(offset), contiguous: range.size - Number(offset) };
    }
    throw new VmcoreError('ERR_VMCORE_UNMAPPED', `${hex(vaddr)} is in no program header, and ${this.#why}`, {
      address: vaddr,
    });
  }

  walk(): WalkStep[] {
    return [];
  }
}
