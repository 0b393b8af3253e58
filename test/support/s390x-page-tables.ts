// s390x page tables, written entry by entry (z/Architecture Principles of Operation, Dynamic Address Translation).
import type { PhysicalImage } from './physical-image.ts';

/** Table types, as the entries tell them: segment, region third, second and first. The page table has none. */
export type TableType = 0 | 1 | 2 | 3;
/** A page, and frames of a segment-table and a region-third-table entry. */
export const FRAME = { '4K': 12, '1M': 20, '2G': 31 } as const;
export type FrameSize = keyof typeof FRAME;

const SHIFT = [20n, 31n, 42n, 53n] as const;
const INVALID = 0x20n;
const PAGE_INVALID = 0x400n;
const LARGE = 0x400n; // FC
const WHOLE = 0x03n; // TF 0 and TL 3: all blocks of the table below
const CRST_BYTES = 16384;
const PAGE_TABLE_BYTES = 2048;

export class S390xPageTables {
  readonly root: number;
  readonly #image: PhysicalImage;
  readonly #top: TableType;

  /** `root` is the physical address of the top table, where it has to be a certain one. */
  constructor(image: PhysicalImage, top: TableType, root = image.allocate(CRST_BYTES, CRST_BYTES)) {
    this.#image = image;
    this.#top = top;
    this.root = this.#fill(root, CRST_BYTES, INVALID | (BigInt(top) << 2n));
  }

  /** `flags` are such as 0x200 (protected) and 0x100 (no-execute). */
  map(vaddr: bigint, paddr: number, frame: FrameSize, flags = 0n): void {
    const target = BigInt(paddr) | flags;
    if (frame === '4K') {
      this.#image.setU64(this.#pageEntry(vaddr), target);
    } else {
      const type = frame === '1M' ? 0 : 1;
      this.#image.setU64(this.#entry(vaddr, type), target | LARGE | (BigInt(type) << 2n));
    }
  }

  mapRange(vaddr: bigint, paddr: number, length: number, frame: FrameSize): void {
    const step = 2 ** FRAME[frame];
    for (let at = 0; at < length; at += step) this.map(vaddr + BigInt(at), paddr + at, frame);
  }

  #pageEntry(vaddr: bigint): number {
    const at = this.#entry(vaddr, 0);
    const known = this.#image.u64(at);
    let table = Number(known & ~0x7ffn);
    if ((known & INVALID) !== 0n) {
      table = this.#fill(
        this.#image.allocate(PAGE_TABLE_BYTES, PAGE_TABLE_BYTES),
        PAGE_TABLE_BYTES,
        PAGE_INVALID,
      );
      this.#image.setU64(at, BigInt(table));
    }
    return table + Number((vaddr >> 12n) & 0xffn) * 8;
  }

  /** Physical address of the entry for `vaddr` in a table of that type; makes the tables above. */
  #entry(vaddr: bigint, type: TableType): number {
    let table = this.root;
    for (let level = this.#top; ; level--) {
      const entry = table + Number((vaddr >> SHIFT[level]!) & 0x7ffn) * 8;
      if (level === type) return entry;
      table = this.#tableBelow(entry, level);
    }
  }

  #tableBelow(entry: number, type: number): number {
    const known = this.#image.u64(entry);
    if ((known & INVALID) === 0n) return Number(known & ~0xfffn);
    const below = BigInt(type - 1) << 2n;
    const table = this.#fill(this.#image.allocate(CRST_BYTES, CRST_BYTES), CRST_BYTES, INVALID | below);
    this.#image.setU64(entry, BigInt(table) | WHOLE | (BigInt(type) << 2n));
    return table;
  }

  #fill(table: number, bytes: number, entry: bigint): number {
    for (let at = 0; at < bytes; at += 8) this.#image.setU64(table + at, entry);
    return table;
  }
}
