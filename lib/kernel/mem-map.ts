import { hex, sourceFailure, VmcoreError } from '../errors.ts';
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
  /** The pfn from which on no page has a struct page. */
  readonly endPfn: number;
  /** Pages below it of which is not known where their struct pages are, because their mem_section can't be read. */
  readonly unreadable: number;
  /** The first reason why there are some. */
  readonly problem: VmcoreError | undefined;
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
/** A reading is taken for wrong when the struct pages of so many of its ranges can't be read. */
const VALIDATED_RANGES = 64;

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

/** What a reading of SYMBOL(mem_section) finds. */
interface Found {
  readonly ranges: MemMapRange[];
  /** Sections that can't be read end at this pfn, and have so many pages. */
  lostEnd: number;
  lost: number;
  /** The first reason why there are some. */
  problem?: VmcoreError;
}

/**
 * Finds the mem_map. Where VMCOREINFO leaves it open what SYMBOL(mem_section) is (the array of roots, a pointer to it,
 * or one flat array), each reading is tried, and the first that validates is taken.
 * @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO without the keys, ERR_VMCORE_CORRUPT when nothing validates, or with what the
 *   source failed meanwhile.
 */
export function findMemMap(memory: VirtualMemory, info: Vmcoreinfo, arch: string, maxPfn: number): MemMap {
  const symbol = info.symbol('mem_section');
  if (symbol !== undefined) return findSparse(memory, info, arch, maxPfn, symbol);
  const flat = info.symbol('mem_map');
  if (flat !== undefined) return findFlat(memory, arch, maxPfn, flat);
  throw new VmcoreError(
    'ERR_VMCORE_NO_VMCOREINFO',
    "VMCOREINFO has neither SYMBOL(mem_section) nor SYMBOL(mem_map), so pages can't be classified",
  );
}

function findFlat(memory: VirtualMemory, arch: string, maxPfn: number, symbol: bigint): MemMap {
  try {
    const address = memory.u64(symbol);
    requireKernelAddress(address, KERNEL_ADDRESS[arch] ?? 0n, 'the mem_map');
    memory.bytes(address, 1);
    return {
      model: 'flatmem',
      ranges: [{ firstPfn: 0, endPfn: maxPfn, address }],
      endPfn: maxPfn,
      unreadable: 0,
      problem: undefined,
    };
  } catch (cause) {
    throw noMemMap('mem_map', symbol, [cause]);
  }
}

/** Readings that find every section come first; else the first one that finds some: what it does not find is kept. */
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
  const readings: [MemMap['model'], () => Found][] = [
    ['sparsemem-extreme', () => readRoots(sections, symbol)],
    ['sparsemem-extreme', () => readRoots(sections, memory.u64(symbol))],
    ['sparsemem', () => readFlatSections(sections, symbol)],
  ];
  let partial: MemMap | undefined;
  for (const [model, read] of readings) {
    try {
      const found = read();
      validate(sections, found);
      const memMap = memMapOf(model, found);
      if (!found.problem) return memMap;
      partial ??= memMap;
    } catch (error) {
      if (!(error instanceof VmcoreError)) throw error;
      failures.push(error);
    }
  }
  if (partial) return partial;
  throw noMemMap('mem_section', symbol, failures);
}

function memMapOf(model: MemMap['model'], { ranges, lost, lostEnd, problem }: Found): MemMap {
  return { model, ranges, endPfn: Math.max(lostEnd, ranges.at(-1)!.endPfn), unreadable: lost, problem };
}

function noMemMap(name: string, symbol: bigint, failures: readonly unknown[]): VmcoreError {
  for (const failure of failures) {
    const failed = sourceFailure(failure);
    if (failed) return failed;
  }
  return new VmcoreError(
    'ERR_VMCORE_CORRUPT',
    `SYMBOL(${name}) at ${hex(symbol)} leads to no valid mem_map: ${failures.map(String).join('; ')}`,
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
    entrySize % 8 !== 0 ||
    entrySize > info.pageSize ||
    mapOffset + 8 > entrySize ||
    pageStructSize < 1 ||
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
function readRoots(s: Sections, base: bigint): Found {
  const perRoot = Math.floor(s.pageSize / s.entrySize);
  const count = Math.ceil(s.maxPfn / s.pagesPerSection);
  const roots = readArray(s, base, Math.ceil(count / perRoot), POINTER_BYTES);
  const found = nothingFound();
  for (let first = 0, at = 0; first < count; first += perRoot, at += POINTER_BYTES) {
    const root = roots.getBigUint64(at, s.memory.littleEndian);
    if (root === 0n) continue;
    const sections = Math.min(perRoot, count - first);
    try {
      addSections(s, found, root, first, sections);
    } catch (error) {
      lose(s, found, first, sections, error);
    }
  }
  return found;
}

/** SPARSEMEM: one array of mem_section. */
function readFlatSections(s: Sections, base: bigint): Found {
  const found = nothingFound();
  addSections(s, found, base, 0, Math.ceil(s.maxPfn / s.pagesPerSection));
  return found;
}

/** Adds sections `first` to `first + count - 1`, whose mem_section structures begin at `address`. */
function addSections(s: Sections, found: Found, address: bigint, first: number, count: number): void {
  const view = readArray(s, address, count, s.entrySize);
  for (let i = 0; i < count; i++) {
    const raw = view.getBigUint64(i * s.entrySize + s.mapOffset, s.memory.littleEndian);
    if ((raw & SECTION_PRESENT) !== SECTION_PRESENT) continue;
    const firstPfn = (first + i) * s.pagesPerSection;
    const map = BigInt.asUintN(64, (raw & ~SECTION_FLAGS) + BigInt(firstPfn) * BigInt(s.pageStructSize));
    try {
      requireKernelAddress(map, s.lowestAddress, `the mem_map of section ${first + i}`);
      found.ranges.push({ firstPfn, endPfn: Math.min(firstPfn + s.pagesPerSection, s.maxPfn), address: map });
    } catch (error) {
      lose(s, found, first + i, 1, error);
    }
  }
}

function readArray({ memory }: Sections, address: bigint, count: number, size: number): DataView {
  if (count * size > SECTIONS_LIMIT)
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `${count} elements in one array of sections`);
  return new DataView(memory.bytes(address, count * size).buffer);
}

function nothingFound(): Found {
  return { ranges: [], lostEnd: 0, lost: 0 };
}

/** Notes that sections `first` to `first + count - 1` can't be read. */
function lose(s: Sections, found: Found, first: number, count: number, error: unknown): void {
  if (!(error instanceof VmcoreError)) throw error;
  found.lostEnd = Math.min((first + count) * s.pagesPerSection, s.maxPfn);
  found.lost += found.lostEnd - first * s.pagesPerSection;
  found.problem ??= error;
}

function requireKernelAddress(address: bigint, lowest: bigint, what: string): void {
  if (address >= lowest && address !== 0n) return;
  throw new VmcoreError('ERR_VMCORE_CORRUPT', `${what} would lie at ${hex(address)}`, { address });
}

/** A reading is right when it has a section whose struct pages are mapped and in the core. */
function validate({ memory, pageStructSize }: Sections, { ranges, problem }: Found): void {
  let failure: unknown = problem ?? new VmcoreError('ERR_VMCORE_CORRUPT', 'no section is present');
  for (const { address } of ranges.slice(0, VALIDATED_RANGES)) {
    try {
      memory.bytes(address, pageStructSize);
      return;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
