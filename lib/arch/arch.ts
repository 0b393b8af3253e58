import type { CpuRegisters, RegisterLayout } from './registers.ts';
import type { LinearRange } from './segment-space.ts';

/** Where a virtual address leads. */
export interface Translation {
  /** Physical address in bytes. */
  readonly paddr: number;
  /** How many bytes from there on are mapped contiguously, at least: to the end of the page, leaf or linear range. */
  readonly contiguous: number;
}

/** One entry that a page-table walk read. */
export interface WalkStep {
  /** The level's name, such as `PMD` or `segment`. */
  readonly level: string;
  /** Physical address of the entry, in bytes. */
  readonly entryAddress: number;
  /** Index of the entry in its table. */
  readonly index: number;
  /** The entry as it was read. */
  readonly entry: bigint;
  /** What it leads to: another table, memory, or nothing. */
  readonly kind: 'table' | 'leaf' | 'none';
  /** Physical address of that table or memory, in bytes; undefined for nothing. */
  readonly target: number | undefined;
  /** Bytes of virtual memory that the entry is for. */
  readonly bytes: number;
  /** Names of the bits that are set beside the address, such as `RW`. */
  readonly flags: readonly string[];
}

/** The dead kernel's virtual address space. */
export interface AddressSpace {
  /** @throws VmcoreError ERR_VMCORE_UNMAPPED, or ERR_VMCORE_NOT_PRESENT where a table is not in the core. */
  translate(vaddr: bigint): Translation;
  /**
   * The entries that a walk reads for `vaddr`, the top level first; it ends at the leaf or where nothing is mapped, and
   * throws where a table is not in the core.
   */
  walk(vaddr: bigint): Iterable<WalkStep>;
}

/** What an architecture asks of VMCOREINFO (kernel/vmcoreinfo.ts is one). */
export interface KernelFacts {
  symbol(name: string): bigint | undefined;
  number(name: string): number | undefined;
  bignum(name: string): bigint | undefined;
  address(key: string): bigint | undefined;
}

/** Reads one 64-bit page-table entry at a physical address, in the byte order of the dead machine. */
export type ReadEntry = (paddr: number) => bigint;

/** What an architecture asks of a PT_LOAD. */
export interface SegmentFacts {
  readonly vaddr: bigint;
  /** Undefined where the core's writer knew none. */
  readonly paddr: number | undefined;
}

/** Where a kernel is that was moved when it was booted. */
export interface KernelPlace {
  /** What is added to linked addresses, in bytes. */
  readonly offset: bigint;
  /** What VMCOREINFO says of it. */
  readonly exported: Readonly<Record<string, string>>;
}

/** A place that the kernel itself left word of. */
export interface LeftPlace extends KernelPlace {
  /** The physical address of something in the moved kernel. */
  physical(vaddr: bigint): number;
}

/** Where a kernel can be that was moved when it was booted (KASLR), in bytes. */
export interface Relocation {
  /** What is linked at this address is at physical address 0 in a kernel that was not moved. */
  readonly linkBase: bigint;
  /** It is moved by multiples of this, in physical memory and, independently, in virtual memory. */
  readonly step: number;
  /** It is moved by less than this in virtual memory. */
  readonly virtualLimit: number;
  /** What a kernel exports about its page tables that can't be known before they are read: each possibility. */
  readonly pageTableFacts: readonly Readonly<Record<string, number>>[];
}

/** What differs between architectures. */
export interface Architecture {
  /** As `uname -m` says it. */
  readonly name: string;
  /** e_machine (include/uapi/linux/elf-em.h). */
  readonly machine: number;
  readonly registers: RegisterLayout;
  /**
   * The address in memory of what a CPU calls by this physical address, where each sees some of them differently;
   * undefined when the CPU did not leave what tells.
   */
  absoluteAddress?(cpu: CpuRegisters, paddr: number): number | undefined;
  /**
   * Virtual address of physical address 0, where all memory is mapped in parallel to it: what a PT_LOAD without a virtual
   * address has. Undefined where neither these facts nor the kernel's memory tell.
   */
  directMap?(facts: KernelFacts | undefined, readEntry: ReadEntry): bigint | undefined;
  /** phys_base, in bytes, for dump headers: 0 where the architecture has none. */
  physBase(facts: KernelFacts | undefined, segments: readonly SegmentFacts[]): number;
  /**
   * Where the kernel's image is mapped, as far as it is known: with its top page table, from which readers of an ELF core
   * start. Undefined where it is not known, or memory is mapped to its own addresses.
   */
  kernelImage?(facts: KernelFacts, physBase: number, readEntry: ReadEntry): LinearRange | undefined;
  /** Where the kernel left word of its place, for who has the addresses that it was linked for; undefined where there is none. */
  leftPlace?(linked: KernelFacts, readEntry: ReadEntry): LeftPlace | undefined;
  /** Absent where a moved kernel can't be found by its page tables. */
  readonly relocation?: Relocation;
  /**
   * The kernel's page tables, or those whose top table is at physical address `root`, such as a process's; undefined
   * where these facts do not tell.
   * @throws VmcoreError ERR_VMCORE_NOT_PRESENT: the top table is not in the core.
   */
  pageTables(
    facts: KernelFacts,
    physBase: number,
    readEntry: ReadEntry,
    root?: number,
  ): AddressSpace | undefined;
}
