// Physical memory from a few ranges, and an address space that maps pages one by one.
import { BufferSource } from '../../lib/access/buffer-source.ts';
import type { AddressSpace, Translation } from '../../lib/arch/arch.ts';
import { hex, VmcoreError } from '../../lib/errors.ts';
import { type Extent, makeExtents } from '../../lib/formats/extents.ts';
import { PhysicalMemory } from '../../lib/memory/physical.ts';

/** Regions so small that most reads cross their borders. */
const slots = { slots: 2, regionBytes: 4096, readBytes: 4096, policy: 'auto' } as const;

export function physicalMemory(
  bytes: Uint8Array,
  extents: readonly Extent[],
  littleEndian = true,
): PhysicalMemory {
  return new PhysicalMemory(new BufferSource(bytes), makeExtents(extents), littleEndian, slots);
}

/** Leaves of `leafBytes`, by virtual address. */
export class FakeSpace implements AddressSpace {
  readonly #leaves: ReadonlyMap<bigint, number>;
  readonly #leafBytes: number;

  constructor(leaves: ReadonlyMap<bigint, number>, leafBytes = 4096) {
    this.#leaves = leaves;
    this.#leafBytes = leafBytes;
  }

  translate(vaddr: bigint): Translation {
    const offset = Number(vaddr % BigInt(this.#leafBytes));
    const leaf = this.#leaves.get(vaddr - BigInt(offset));
    if (leaf === undefined)
      throw new VmcoreError('ERR_VMCORE_UNMAPPED', `nothing at ${hex(vaddr)}`, { address: vaddr });
    return { paddr: leaf + offset, contiguous: this.#leafBytes - offset };
  }

  walk(): [] {
    return [];
  }
}
