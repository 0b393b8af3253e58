// x86_64 page tables, written entry by entry (arch/x86/include/asm/pgtable_types.h).
import { PAGE, type PhysicalImage } from './physical-image.ts';

export const LEAF = { '4K': 12, '2M': 21, '1G': 30 } as const;
export type LeafSize = keyof typeof LEAF;

const present = 0x63n; // _PAGE_PRESENT, RW, ACCESSED, DIRTY
const large = 0x80n; // _PAGE_PSE

export interface PageTableOptions {
  readonly levels?: 4 | 5;
  /** Set in every entry, as with AMD's memory encryption. */
  readonly smeMask?: bigint;
  /** Physical address of the top table, where it has to be a certain one. */
  readonly root?: number;
}

export class PageTableBuilder {
  readonly root: number;
  readonly #image: PhysicalImage;
  readonly #topShift: number;
  readonly #smeMask: bigint;

  constructor(image: PhysicalImage, { levels = 4, smeMask = 0n, root }: PageTableOptions = {}) {
    this.#image = image;
    this.#topShift = 12 + 9 * (levels - 1);
    this.#smeMask = smeMask;
    this.root = root ?? image.allocate(PAGE);
  }

  /** One leaf. */
  map(vaddr: bigint, paddr: number, leaf: LeafSize): void {
    const entry = this.entryAddress(vaddr, LEAF[leaf]);
    this.#image.setU64(entry, BigInt(paddr) | present | (leaf === '4K' ? 0n : large) | this.#smeMask);
  }

  /** Leaves one after another for `length` bytes. */
  mapRange(vaddr: bigint, paddr: number, length: number, leaf: LeafSize): void {
    const step = 2 ** LEAF[leaf];
    for (let at = 0; at < length; at += step) this.map(vaddr + BigInt(at), paddr + at, leaf);
  }

  /** Physical address of the entry for `vaddr` whose index has `shift` address bits below it; makes the tables above. */
  entryAddress(vaddr: bigint, shift: number): number {
    let table = this.root;
    for (let at = this.#topShift; ; at -= 9) {
      const entry = table + Number((vaddr >> BigInt(at)) & 511n) * 8;
      if (at === shift) return entry;
      table = this.#tableBelow(entry);
    }
  }

  #tableBelow(entry: number): number {
    const known = this.#image.u64(entry);
    if (known !== 0n) return Number(known & ~this.#smeMask & 0x000ffffffffff000n);
    const table = this.#image.allocate(PAGE);
    this.#image.setU64(entry, BigInt(table) | present | this.#smeMask);
    return table;
  }
}
