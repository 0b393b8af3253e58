// The kernel's struct page array of an x86_64 core with SPARSEMEM_EXTREME and vmemmap, read by code of the tests' own.
import type { ElfCore } from './elf-core.ts';

const pageSize = 4096;
const textMap = 0xffffffff80000000n; // __START_KERNEL_map, arch/x86/include/asm/page_64_types.h
const addressBits = 0x000ffffffffff000n; // of a page-table entry
const [present, large] = [1n, 0x80n]; // _PAGE_PRESENT, _PAGE_PSE
const [markedPresent, hasMemMap] = [1n, 2n]; // SECTION_MARKED_PRESENT, SECTION_HAS_MEM_MAP, include/linux/mmzone.h

/** The physical address behind a virtual one, by its page tables. */
function translate(core: ElfCore, vaddr: bigint): number | undefined {
  const levels = core.info('NUMBER(pgtable_l5_enabled)') === 1n ? 5 : 4;
  let table = core.info('SYMBOL(swapper_pg_dir)')! - textMap + core.info('NUMBER(phys_base)')!;
  for (let level = levels; level > 0; level--) {
    const shift = BigInt(12 + 9 * (level - 1));
    const bytes = core.physical(Number(table + ((vaddr >> shift) & 511n) * 8n), 8);
    const entry = bytes?.readBigUInt64LE() ?? 0n;
    if (!(entry & present)) return undefined;
    if (level === 1 || (level <= 3 && entry & large)) {
      const inPage = (1n << shift) - 1n;
      return Number((entry & addressBits & ~inPage) | (vaddr & inPage));
    }
    table = entry & addressBits;
  }
  return undefined;
}

/** Virtual memory page by page; what is not there reads as undefined. */
function virtual(core: ElfCore, vaddr: bigint, length: number): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let done = 0; done < length; ) {
    const at = vaddr + BigInt(done);
    const size = Math.min(length - done, pageSize - Number(at & 0xfffn));
    const paddr = translate(core, at);
    const part = paddr === undefined ? undefined : core.physical(paddr, size);
    if (!part) return undefined;
    parts.push(part);
    done += size;
  }
  return Buffer.concat(parts);
}

/** Fields of one struct page, as unsigned numbers. */
export interface StructPage {
  pfn: number;
  flags: bigint;
  /** Also read as page_type; the bit pattern, unsigned. */
  mapcount: number;
  mapping: bigint;
  private: bigint;
  compoundHead: bigint;
  /** All of it, for what only some kernels have. */
  bytes: Buffer;
}

export class StructPages {
  readonly size: number;
  readonly #perSection: number;
  readonly #sections = new Map<number, Buffer>();
  /** Of vmemmap: the struct page of page frame 0 would be here. */
  #base = 0n;
  readonly #offsets: Record<'flags' | '_mapcount' | 'mapping' | 'private' | 'compound_head', number>;

  constructor(core: ElfCore) {
    const offset = (field: string) => Number(core.info(`OFFSET(page.${field})`));
    this.size = Number(core.info('SIZE(page)'));
    this.#perSection = 2 ** (Number(core.info('NUMBER(SECTION_SIZE_BITS)')) - 12);
    this.#offsets = {
      flags: offset('flags'),
      _mapcount: offset('_mapcount'),
      mapping: offset('mapping'),
      private: offset('private'),
      compound_head: offset('compound_head'),
    };
    for (const [section, base] of memMaps(core)) {
      this.#base = base;
      this.#sections.set(section, this.#readSection(core, section));
    }
  }

  /** The first page frame behind all that have a struct page. */
  get end(): number {
    return (Math.max(...this.#sections.keys()) + 1) * this.#perSection;
  }

  /** Every page frame that has a struct page, ascending. */
  *[Symbol.iterator](): Generator<StructPage> {
    for (const section of this.#sections.keys()) {
      const first = section * this.#perSection;
      for (let pfn = first; pfn < first + this.#perSection; pfn++) yield this.get(pfn)!;
    }
  }

  get(pfn: number): StructPage | undefined {
    const section = this.#sections.get(Math.floor(pfn / this.#perSection));
    if (!section) return undefined;
    const start = (pfn % this.#perSection) * this.size;
    const bytes = section.subarray(start, start + this.size);
    return {
      pfn,
      flags: bytes.readBigUInt64LE(this.#offsets.flags),
      mapcount: bytes.readUInt32LE(this.#offsets._mapcount),
      mapping: bytes.readBigUInt64LE(this.#offsets.mapping),
      private: bytes.readBigUInt64LE(this.#offsets.private),
      compoundHead: bytes.readBigUInt64LE(this.#offsets.compound_head),
      bytes,
    };
  }

  #readSection(core: ElfCore, section: number): Buffer {
    const start = this.#base + BigInt(section * this.#perSection * this.size);
    const pages = Buffer.alloc(this.#perSection * this.size);
    for (let at = 0; at < pages.length; at += pageSize)
      virtual(core, start + BigInt(at), pageSize)?.copy(pages, at);
    return pages;
  }
}

/** Section number and section_mem_map without its flags, which is the start of vmemmap for all. */
function* memMaps(core: ElfCore): Generator<[section: number, base: bigint]> {
  const size = Number(core.info('SIZE(mem_section)'));
  const perRoot = pageSize / size;
  const roots = virtual(
    core,
    core.info('SYMBOL(mem_section)')!,
    Number(core.info('LENGTH(mem_section)')) * 8,
  )!;
  for (let root = 0; root < roots.length / 8; root++) {
    const sections = roots.readBigUInt64LE(root * 8);
    const bytes = sections ? virtual(core, sections, pageSize) : undefined;
    for (let i = 0; bytes && i < perRoot; i++) {
      const entry = bytes.readBigUInt64LE(i * size);
      if (entry & markedPresent && entry & hasMemMap) yield [root * perRoot + i, entry & ~0xfffn];
    }
  }
}
