import { EM_X86_64 } from '../formats/machine.ts';
import type { Architecture, KernelFacts, SegmentFacts } from './arch.ts';
import { type EntryMeaning, type PageTableLevel, type PageTableScheme, PageTables } from './page-tables.ts';
import type { LinearRange } from './segment-space.ts';

/** __START_KERNEL_map (arch/x86/include/asm/page_64_types.h): the kernel image is mapped from there on. */
const START_KERNEL_MAP = 0xffffffff80000000n;
/** KERNEL_IMAGE_SIZE with KASLR (arch/x86/include/asm/page_64_types.h). In bytes. */
const IMAGE_LIMIT = 1 << 30;

/** Bits of an entry (arch/x86/include/asm/pgtable_types.h). */
const PAGE_PRESENT = 1n << 0n;
const PAGE_PSE = 1n << 7n;
/** The others that are no part of the address; bit 7 of the last level is PAT, which crash calls PSE, too. */
const FLAGS = [
  [PAGE_PRESENT, 'PRESENT'],
  [1n << 1n, 'RW'],
  [1n << 2n, 'USER'],
  [1n << 3n, 'PWT'],
  [1n << 4n, 'PCD'],
  [1n << 5n, 'ACCESSED'],
  [1n << 6n, 'DIRTY'],
  [PAGE_PSE, 'PSE'],
  [1n << 8n, 'GLOBAL'],
  [1n << 63n, 'NX'],
] as const;
/** The address bits of an entry, 12 to 51 (Intel SDM 3, 4.5). */
const ADDRESS_MASK = 0x000ffffffffff000n;

/** Level names and shifts (arch/x86/include/asm/pgtable_64_types.h); 9 index bits each. */
const LEVELS = [
  { name: 'PGD', shift: 48, large: false },
  { name: 'P4D', shift: 39, large: false },
  { name: 'PUD', shift: 30, large: true },
  { name: 'PMD', shift: 21, large: true },
  { name: 'PTE', shift: 12, large: false },
];
const INDEX_BITS = 9;

export const x86_64: Architecture = {
  name: 'x86_64',
  machine: EM_X86_64,
  registers: {
    // struct user_regs_struct (arch/x86/include/asm/user_64.h) in elf_prstatus.
    prstatus: [
      {
        offset: 112,
        bytes: 8,
        names: (
          'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi ' +
          'orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs'
        ).split(' '),
      },
    ],
    notes: [],
  },
  physBase,
  kernelImage,
  relocation: {
    linkBase: START_KERNEL_MAP,
    // CONFIG_PHYSICAL_ALIGN, at least (arch/x86/Kconfig).
    step: 1 << 21,
    virtualLimit: IMAGE_LIMIT,
    // The bit of memory encryption is one of these (AMD APM 2, 7.10: CPUID 8000001F, by processor family).
    pageTableFacts: [0, 2 ** 47, 2 ** 51].flatMap((sme_mask) =>
      [0, 1].map((pgtable_l5_enabled) => ({ sme_mask, pgtable_l5_enabled })),
    ),
  },
  pageTables(facts, base, readEntry, root) {
    const paging = pagingOf(facts, base);
    return paging && new PageTables(schemeOf(paging), root ?? paging.root, readEntry);
  },
};

/** What the page tables of an x86_64 kernel look like. */
interface Paging {
  /** 5 with LA57, else 4. */
  readonly levels: 4 | 5;
  /** The encryption bit of AMD SME, which is in every entry and no part of an address; 0 without. */
  readonly smeMask: bigint;
  /** Physical address of the top table. */
  readonly root: number;
}

function pagingOf(facts: KernelFacts, base: number): Paging | undefined {
  // init_top_pgt was init_level4_pgt before 4.13.
  const top = facts.symbol('init_top_pgt') ?? facts.symbol('init_level4_pgt');
  if (top === undefined || top < START_KERNEL_MAP) return undefined;
  return {
    levels: facts.number('pgtable_l5_enabled') ? 5 : 4,
    smeMask: BigInt.asUintN(64, facts.bignum('sme_mask') ?? 0n),
    root: Number(top - START_KERNEL_MAP) + base,
  };
}

/**
 * What is added to an image address less __START_KERNEL_map to get its physical address; it can be negative. From
 * VMCOREINFO, else from the PT_LOAD that maps the image, else 0.
 */
function physBase(facts: KernelFacts | undefined, segments: readonly SegmentFacts[]): number {
  const exported = facts?.number('phys_base');
  if (exported !== undefined) return exported;
  const image = segments.find((segment) => segment.vaddr >= START_KERNEL_MAP && segment.paddr !== undefined);
  return image ? image.paddr! - Number(image.vaddr - START_KERNEL_MAP) : 0;
}

/** The image is mapped in pages of 2 MiB (arch/x86/kernel/head_64.S, level2_kernel_pgt), so that what lies around these symbols belongs to it. */
const IMAGE_ALIGN = 1n << 21n;

function kernelImage(facts: KernelFacts, base: number): LinearRange | undefined {
  const start = facts.symbol('_stext');
  const top =
    facts.symbol('init_top_pgt') ?? facts.symbol('swapper_pg_dir') ?? facts.symbol('init_level4_pgt');
  if (start === undefined || top === undefined || start < START_KERNEL_MAP || top < start) return undefined;
  const vaddr = start - (start % IMAGE_ALIGN);
  const size = top - vaddr + IMAGE_ALIGN - (top % IMAGE_ALIGN);
  const paddr = Number(vaddr - START_KERNEL_MAP) + base;
  return paddr < 0 || size > IMAGE_LIMIT ? undefined : { vaddr, paddr, size: Number(size) };
}

function schemeOf({ levels, smeMask }: Paging): PageTableScheme {
  const mask = ADDRESS_MASK & ~smeMask;
  const used = LEVELS.slice(LEVELS.length - levels);
  const addressBits = BigInt(used[0]!.shift + INDEX_BITS);
  return {
    // With 4 levels the table at bit 39 is the top one, which the kernel calls PGD.
    levels: used.map((level, depth) => levelOf(depth === 0 ? 'PGD' : level.name, level, mask)),
    refuse: (vaddr) =>
      BigInt.asUintN(64, BigInt.asIntN(Number(addressBits), vaddr)) === vaddr
        ? undefined
        : `the address is not canonical with ${levels} levels of page tables`,
  };
}

function levelOf(
  name: string,
  { shift, large }: { shift: number; large: boolean },
  mask: bigint,
): PageTableLevel {
  const leafMask = mask & ~((1n << BigInt(shift)) - 1n);
  return {
    name,
    shift,
    bits: INDEX_BITS,
    flags: FLAGS,
    meaning(entry): EntryMeaning {
      if ((entry & PAGE_PRESENT) === 0n)
        return { kind: 'none', why: `not present (0x${entry.toString(16)})` };
      if (shift === 12 || (large && (entry & PAGE_PSE) !== 0n))
        return { kind: 'leaf', paddr: Number(entry & leafMask) };
      return { kind: 'table', paddr: Number(entry & mask) };
    },
  };
}
