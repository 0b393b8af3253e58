import { hex, isLostData, VmcoreError } from '../errors.ts';
import { EM_S390 } from '../formats/machine.ts';
import type { Architecture, KernelFacts, ReadEntry } from './arch.ts';
import { type EntryMeaning, type PageTableLevel, type PageTableScheme, PageTables } from './page-tables.ts';
import { findKernelLayout, kernelImage, leftPlace, physicalOfKernel } from './s390x-layout.ts';
import { absoluteAddress, registers } from './s390x-registers.ts';

/**
 * Bits of region-table, segment-table and page-table entries (z/Architecture Principles of Operation, Dynamic Address
 * Translation; arch/s390/include/asm/pgtable.h).
 */
const TABLE_INVALID = 0x20n;
const TABLE_LARGE = 0x400n;
const TABLE_TYPE = 0x0cn;
/** First and last blocks of 512 entries that the next table has: TF and TL. */
const TABLE_OFFSET = 0xc0n;
const TABLE_LENGTH = 0x03n;
const BLOCK_ENTRIES = 512;
const PAGE_INVALID = 0x400n;
/** Software's: what the kernel counts as there, valid or not (_PAGE_PRESENT, since 3.12). */
const PAGE_PRESENT = 0x001n;
const PAGE_MUST_BE_ZERO = 0x800n;

/** Protection and no-execute change no address, and are the same bits at all levels. */
const FLAGS = [
  [0x200n, 'PROTECT'],
  [0x100n, 'NX'],
] as const;
const LARGE_FLAGS = [...FLAGS, [TABLE_LARGE, 'LARGE']] as const;

const REGION_TABLE_MASK = ~0xfffn;
const PAGE_TABLE_MASK = ~0x7ffn;
const PAGE_MASK = ~0xfffn;

/** Levels, the top one first. `type` is what bits 0x0c of the entries of such a table say. */
const TABLES = [
  { name: 'region first', shift: 53, type: 3, large: false },
  { name: 'region second', shift: 42, type: 2, large: false },
  { name: 'region third', shift: 31, type: 1, large: true },
  { name: 'segment', shift: 20, type: 0, large: true },
];
const TABLE_BITS = 11;
const TABLE_ENTRIES = 2 ** TABLE_BITS;

const PAGE_LEVEL: PageTableLevel = { name: 'page', shift: 12, bits: 8, flags: FLAGS, meaning: pageMeaning };
/** The kernel makes pages of processes invalid that were not used for a while, or may not be: they are there. */
const PROCESS_PAGE_LEVEL: PageTableLevel = {
  ...PAGE_LEVEL,
  flags: [...FLAGS, [PAGE_INVALID, 'INVALID']],
  meaning: (entry) => pageMeaning((entry & PAGE_PRESENT) !== 0n ? entry & ~PAGE_INVALID : entry),
};

export const s390x: Architecture = {
  name: 's390x',
  machine: EM_S390,
  registers,
  absoluteAddress,
  directMap: (facts, readEntry) => findKernelLayout(facts, readEntry)?.identityBase,
  physBase: () => 0,
  kernelImage: (facts, _physBase, readEntry) => kernelImage(facts, readEntry),
  leftPlace,
  pageTables(facts, _physBase, readEntry, given) {
    const root = given ?? rootOf(facts, readEntry);
    if (root === undefined) return undefined;
    const page = given === undefined ? PAGE_LEVEL : PROCESS_PAGE_LEVEL;
    return new PageTables(schemeOf(topType(root, readEntry), page), root, readEntry);
  },
};

/** Physical address of the kernel's top table. */
function rootOf(facts: KernelFacts, readEntry: ReadEntry): number | undefined {
  const top = facts.symbol('swapper_pg_dir');
  const layout = findKernelLayout(facts, readEntry);
  return layout && top !== undefined ? physicalOfKernel(layout, top) : undefined;
}

function schemeOf(type: number, page: PageTableLevel): PageTableScheme {
  const tables = TABLES.filter((table) => table.type <= type);
  const addressBits = BigInt(tables[0]!.shift + TABLE_BITS);
  return {
    levels: [...tables.map(tableLevel), page],
    refuse: (vaddr) =>
      vaddr >> addressBits === 0n
        ? undefined
        : `${tables.length + 1} levels of page tables translate ${addressBits} address bits`,
  };
}

/**
 * How many levels there are is not exported, but every entry of a table tells its type: that of the first valid one
 * counts, else of the first one, since a kernel fills empty tables with invalid entries of the right type.
 */
function topType(root: number, readEntry: ReadEntry): number {
  try {
    const first = readEntry(root);
    let entry = first;
    for (let i = 1; i < TABLE_ENTRIES && (entry & TABLE_INVALID) !== 0n; i++) entry = readEntry(root + i * 8);
    return typeOf((entry & TABLE_INVALID) === 0n ? entry : first);
  } catch (cause) {
    if (!isLostData(cause)) throw cause;
    const message = `the top page table at physical address ${hex(root)} is not in the core`;
    throw new VmcoreError('ERR_VMCORE_NOT_PRESENT', message, { address: root, cause });
  }
}

function typeOf(entry: bigint): number {
  return Number((entry & TABLE_TYPE) >> 2n);
}

function tableLevel({ name, shift, type, large }: (typeof TABLES)[number]): PageTableLevel {
  const leafMask = -(1n << BigInt(shift));
  return {
    name,
    shift,
    bits: TABLE_BITS,
    flags: large ? LARGE_FLAGS : FLAGS,
    meaning(entry): EntryMeaning {
      const raw = `0x${entry.toString(16)}`;
      if ((entry & TABLE_INVALID) !== 0n) return { kind: 'none', why: `invalid (${raw})` };
      if (typeOf(entry) !== type)
        return { kind: 'none', why: `corrupt: ${raw} has table type ${typeOf(entry)} instead of ${type}` };
      if (large && (entry & TABLE_LARGE) !== 0n) return { kind: 'leaf', paddr: Number(entry & leafMask) };
      if (type === 0) return { kind: 'table', paddr: Number(entry & PAGE_TABLE_MASK) };
      const start = Number((entry & TABLE_OFFSET) >> 6n) * BLOCK_ENTRIES;
      const end = (Number(entry & TABLE_LENGTH) + 1) * BLOCK_ENTRIES;
      return { kind: 'table', paddr: Number(entry & REGION_TABLE_MASK), indexes: [start, end] };
    },
  };
}

function pageMeaning(entry: bigint): EntryMeaning {
  const raw = `0x${entry.toString(16)}`;
  if ((entry & PAGE_INVALID) !== 0n) return { kind: 'none', why: `invalid (${raw})` };
  if ((entry & PAGE_MUST_BE_ZERO) !== 0n)
    return { kind: 'none', why: `corrupt: ${raw} has bit 0x800, which must be zero` };
  return { kind: 'leaf', paddr: Number(entry & PAGE_MASK) };
}
