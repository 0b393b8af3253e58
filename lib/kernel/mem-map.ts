import { hex, VmcoreError } from '../errors.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import type { Vmcoreinfo } from './vmcoreinfo.ts';

/** Consecutive pfns whose struct pages lie one after another in virtual memory. */
export interface MemMapRange {
  readonly firstPfn: number;
  /** The pfn behind the last one. */
  readonly endPfn: number;
  /** Virtual address of the struct page of `firstPfn`. */
  readonly address: bigint;
}

/** The kernel's mem_map: where every page's struct page is. pfns in no range have none. */
export interface MemMap {
  /** How it was found. */
  readonly model: 'sparsemem-extreme' | 'sparsemem' | 'flatmem';
  /** Ascending by pfn, disjoint. */
  readonly ranges: readonly MemMapRange[];
}

/** Bits of section_mem_map (include/linux/mmzone.h): SECTION_MARKED_PRESENT, SECTION_HAS_MEM_MAP. */
const SECTION_PRESENT = 3n;
/**
 * Flags lie in the low bits of section_mem_map: 2 before 4.13, 6 today. The address is at least 64-byte aligned in
 * every kernel, being that of an array of struct page less a multiple of its size.
 */
const SECTION_FLAGS = 63n;
/** SECTION_SIZE_BITS where it is not exported (before 5.13): arch/{x86,s390}/include/asm/sparsemem.h. */
const SECTION_SIZE_BITS: Readonly<Record<string, number>> = { x86_64: 27, s390x: 28 };
/** Kernel addresses have their top bits set on x86_64; on s390x any address may be one. */
const KERNEL_ADDRESS: Readonly<Record<string, bigint>> = { x86_64: 1n << 63n };
const POINTER_BYTES = 8;
/** All mem_section structures together take 2 MiB for 64 TiB; a reading that wants more than this is wrong. In bytes. */
const SECTIONS_LIMIT = 64 << 20;

interface Sections {
  readonly memory: VirtualMemory;
  /** SIZE(mem_section) and OFFSET(mem_section.section_mem_map), in bytes. */
  readonly entrySize: number;
  readonly mapOffset: number;
  readonly pageStructSize: number;
  readonly pageSize: number;
  readonly pagesPerSection: number;
  readonly maxPfn: number;
  readonly lowestAddress: bigint;
}

/**
 * Finds the mem_map. Where VMCOREINFO leaves it open what SYMBOL(mem_section) is (the array of roots, a pointer to it,
 * or one flat array), each reading is tried, and the first that validates is taken.
 * @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO without the keys, ERR_VMCORE_CORRUPT when nothing validates.
 */
export function findMemMap(memory: VirtualMemory, info: Vmcoreinfo, arch: string, maxPfn: number): MemMap {
  const symbol = info.symbol('mem_section');
  if (symbol !== undefined) return findSparse(memory, info, arch, maxPfn, symbol);
  const flat = info.symbol('mem_map');
  if (flat !== undefined) {
    return { model: 'flatmem', ranges: [{ firstPfn: 0, endPfn: maxPfn, address: memory.u64(flat) }] };
  }
  throw new VmcoreError(
    'ERR_VMCORE_NO_VMCOREINFO',
    "VMCOREINFO has neither SYMBOL(mem_section) nor SYMBOL(mem_map), so pages can't be classified",
  );
}

function findSparse(
  memory: VirtualMemory,
  info: Vmcoreinfo,
  arch: string,
  maxPfn: number,
  symbol: bigint,
): MemMap {
  const sections = sectionFacts(memory, info, arch, maxPfn);
  const failures: unknown[] = [];
  // 4.15+ exports the address of the root array for the pointer; before, the symbol is the array; vmlinux has a pointer.
  const readings: [MemMap['model'], () => bigint][] = [
    ['sparsemem-extreme', () => symbol],
    ['sparsemem-extreme', () => memory.u64(symbol)],
    ['sparsemem', () => symbol],
  ];
  for (const [model, base] of readings) {
    try {
      const ranges = model === 'sparsemem' ? readFlatSections(sections, base()) : readRoots(sections, base());
      return { model, ranges };
    } catch (error) {
      failures.push(error);
    }
  }
  throw new VmcoreError(
    'ERR_VMCORE_CORRUPT',
    `SYMBOL(mem_section) at ${hex(symbol)} leads to no valid mem_map: ${failures.map(String).join('; ')}`,
    { address: symbol, cause: failures[0] },
  );
}

function sectionFacts(memory: VirtualMemory, info: Vmcoreinfo, arch: string, maxPfn: number): Sections {
  const entrySize = info.size('mem_section');
  const mapOffset = info.offset('mem_section.section_mem_map');
  const pageStructSize = info.size('page');
  const bits = info.number('SECTION_SIZE_BITS') ?? SECTION_SIZE_BITS[arch];
  if (
    entrySize === undefined ||
    mapOffset === undefined ||
    pageStructSize === undefined ||
    bits === undefined
  ) {
    throw new VmcoreError(
      'ERR_VMCORE_NO_VMCOREINFO',
      "VMCOREINFO does not describe mem_section, so pages can't be classified",
    );
  }
  const pagesPerSection = 2 ** bits / info.pageSize;
  if (
    entrySize < 8 ||
    entrySize > info.pageSize ||
    mapOffset + 8 > entrySize ||
    pagesPerSection < 1 ||
    bits > 40
  ) {
    throw new VmcoreError(
      'ERR_VMCORE_CORRUPT',
      `VMCOREINFO: mem_section of ${entrySize} bytes, sections of 2^${bits} bytes`,
    );
  }
  const lowestAddress = KERNEL_ADDRESS[arch] ?? 0n;
  return {
    memory,
    entrySize,
    mapOffset,
    pageStructSize,
    pageSize: info.pageSize,
    pagesPerSection,
    maxPfn,
    lowestAddress,
  };
}

/** SPARSEMEM_EXTREME: an array of pointers to pages full of mem_section (mm/sparse.c, sparse_index_alloc). */
function readRoots(sections: Sections, base: bigint): MemMapRange[] {
  const { memory, entrySize, pageSize, pagesPerSection, maxPfn } = sections;
  const perRoot = Math.floor(pageSize / entrySize);
  const count = Math.ceil(maxPfn / pagesPerSection);
  const roots = memory.bytes(base, Math.ceil(count / perRoot) * POINTER_BYTES);
  const view = new DataView(roots.buffer);
  const ranges: MemMapRange[] = [];
  for (let first = 0, at = 0; first < count; first += perRoot, at += POINTER_BYTES) {
    const root = view.getBigUint64(at, memory.littleEndian);
    if (root !== 0n) addSections(sections, ranges, root, first, Math.min(perRoot, count - first));
  }
  return validated(sections, ranges);
}

/** SPARSEMEM: one array of mem_section. */
function readFlatSections(sections: Sections, base: bigint): MemMapRange[] {
  const ranges: MemMapRange[] = [];
  addSections(sections, ranges, base, 0, Math.ceil(sections.maxPfn / sections.pagesPerSection));
  return validated(sections, ranges);
}

/** Adds sections `first` to `first + count - 1`, whose mem_section structures begin at `address`. */
function addSections(
  s: Sections,
  ranges: MemMapRange[],
  address: bigint,
  first: number,
  count: number,
): void {
  if (count * s.entrySize > SECTIONS_LIMIT)
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `${count} sections in one array`);
  const bytes = s.memory.bytes(address, count * s.entrySize);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const raw = view.getBigUint64(i * s.entrySize + s.mapOffset, s.memory.littleEndian);
    if ((raw & SECTION_PRESENT) !== SECTION_PRESENT) continue;
    const firstPfn = (first + i) * s.pagesPerSection;
    const map = BigInt.asUintN(64, (raw & ~SECTION_FLAGS) + BigInt(firstPfn) * BigInt(s.pageStructSize));
    if (map < s.lowestAddress) {
      throw new VmcoreError('ERR_VMCORE_CORRUPT', `section ${first + i} has its mem_map at ${hex(map)}`, {
        address: map,
      });
    }
    ranges.push({ firstPfn, endPfn: Math.min(firstPfn + s.pagesPerSection, s.maxPfn), address: map });
  }
}

/** A reading is right when it has a section, and the struct pages of the first one are mapped and in the core. */
function validated({ memory, pageStructSize }: Sections, ranges: MemMapRange[]): MemMapRange[] {
  const first = ranges[0];
  if (!first) throw new VmcoreError('ERR_VMCORE_CORRUPT', 'no section is present');
  memory.bytes(first.address, pageStructSize);
  return ranges;
}
