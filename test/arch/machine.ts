// Page tables in a little memory, and the library's walker over them.
import type { AddressSpace } from '../../lib/arch/arch.ts';
import { x86_64 } from '../../lib/arch/x86_64.ts';
import { hex, VmcoreError } from '../../lib/errors.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';
import { PageTableBuilder, type PageTableOptions } from '../support/page-table-builder.ts';
import { PAGE, PhysicalImage } from '../support/physical-image.ts';

const startKernelMap = 0xffffffff80000000n;

export interface Machine {
  readonly memory: PhysicalImage;
  readonly tables: PageTableBuilder;
  readonly space: AddressSpace;
  /** How many entries were read. */
  reads(): number;
}

/** `lines` are added to VMCOREINFO. */
export function machine(options: PageTableOptions = {}, lines: readonly string[] = []): Machine {
  const memory = new PhysicalImage(64);
  const tables = new PageTableBuilder(memory, options);
  let reads = 0;
  const facts = new Vmcoreinfo(
    [
      'OSRELEASE=6.2',
      'PAGESIZE=4096',
      `SYMBOL(init_top_pgt)=${(startKernelMap + BigInt(tables.root)).toString(16)}`,
      `NUMBER(pgtable_l5_enabled)=${options.levels === 5 ? 1 : 0}`,
      `NUMBER(sme_mask)=${options.smeMask ?? 0n}`,
      ...lines,
    ].join('\n'),
  );
  const readEntry = (paddr: number) => {
    reads++;
    return entryAt(memory, paddr);
  };
  return { memory, tables, space: x86_64.pageTables(facts, 0, readEntry)!, reads: () => reads };
}

function entryAt(memory: PhysicalImage, paddr: number): bigint {
  if (paddr >= memory.base && paddr < memory.base + memory.bytes.length) return memory.u64(paddr);
  throw new VmcoreError('ERR_VMCORE_NOT_PRESENT', `nothing at ${hex(paddr)}`, { address: paddr });
}

/** An address by its indexes, the top level first, and the offset in the page. */
export function address(indexes: readonly number[], offset = 0): bigint {
  const bits = indexes.reduce((high, index) => (high << 9n) | BigInt(index), 0n);
  const vaddr = (bits << 12n) | BigInt(offset);
  return BigInt.asUintN(64, BigInt.asIntN(12 + 9 * indexes.length, vaddr));
}

export { PAGE };
