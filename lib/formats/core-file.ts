import type { ByteSource } from '../access/byte-source.ts';
import type { PlainSource } from '../access/open-source.ts';
import type { AccessPolicy } from '../access/slots.ts';
import type { Extents } from './extents.ts';
import type { Note } from './notes.ts';

/** One PT_LOAD program header, as it stands in the file. */
export interface Segment {
  /** Physical address, or undefined where the producer knew none (p_paddr of all ones). */
  readonly paddr: number | undefined;
  readonly vaddr: bigint;
  /** File offset of its data. */
  readonly offset: number;
  /** Bytes of data in the file. */
  readonly fileSize: number;
  /** Bytes of memory; what exceeds `fileSize` has no data and reads as zeros. */
  readonly memSize: number;
  /** p_flags. */
  readonly flags: number;
  /** p_align, as it stands: 0 in many producers. */
  readonly align: bigint;
}

/** How often segments may cover the same memory: /proc/vmcore repeats the kernel's image. */
export const MOST_COPIES = 8;

/** What the first PT_NOTE program header says beside where its notes lie. */
export interface NoteSegment {
  /** p_flags. */
  readonly flags: number;
  /** p_align: 0 or 4. */
  readonly align: bigint;
}

/** How headers are read, and what becomes of pages that are not there. */
export interface OpenCoreOptions {
  readonly access?: AccessPolicy | undefined;
  /** What pages that were left out, or that an incomplete dump has lost, read as. */
  readonly excluded?: 'error' | 'zeros' | undefined;
  /** Whether a file that was cut off is opened for what is there. */
  readonly allowTruncated?: boolean | undefined;
  /** VMCOREINFO from outside: it also tells the architecture where the format does not. */
  readonly vmcoreinfo?: string | undefined;
  /** The text of /proc/iomem of the kernel whose /proc/kcore it is; that of this machine by default. */
  readonly iomem?: string | undefined;
  /** Whether a compressed dump is reached in small regions, which a memory budget has room for. */
  readonly sparing?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * All that it takes to open a core: a worker that is sent it opens the same core for itself (threads of a process share
 * descriptors; bytes are copied).
 */
export interface CoreRecipe extends Omit<OpenCoreOptions, 'signal'> {
  /** One source, or all members of a split set. */
  readonly sources: readonly PlainSource[];
  /** See AccessOptions. */
  readonly pageTableBudget?: number | undefined;
}

/** What the header of a dump says, where a format has one. */
export interface DumpHeader {
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Page frames, present or not. */
  readonly maxPfn: number;
  /** The level at which pages were left out: refiltering can only add to it. */
  readonly dumpLevel: number;
  readonly nrCpus: number;
  /** Seconds since the epoch; 0 where it is not known. */
  readonly crashTime: number;
  /** struct new_utsname of the dead kernel, raw: 390 bytes, zeros where it is not known. */
  readonly utsname: Uint8Array;
  /** phys_base of x86_64; may be negative. */
  readonly physBase: number;
  /** What was erased in it, as makedumpfile's lines of text; empty where nothing was. */
  readonly eraseinfo: Uint8Array;
}

/** What a source's headers say: the hub between input formats and everything that reads memory. */
export interface CoreFile {
  /** Which format it is. */
  readonly format: 'elf64' | 'elf32' | 'kdump' | 'kcore' | 'lime' | 's390-dump';
  /** What the extents' offsets refer to: the source itself where its bytes are plain memory. */
  readonly source: ByteSource;
  /** e_machine; 0 (EM_NONE) where nothing tells it. */
  readonly machine: number;
  readonly littleEndian: boolean;
  /** Whether it lacks memory that it should have: it is marked so, or was opened though it was cut off. */
  readonly incomplete: boolean;
  readonly segments: readonly Segment[];
  /** Where physical memory lies. */
  readonly extents: Extents;
  /** The payload of all PT_NOTEs, one after another. */
  readonly notePayload: Uint8Array;
  readonly notes: readonly Note[];
  /** Undefined where there is no PT_NOTE. */
  readonly noteSegment?: NoteSegment | undefined;
  /** Undefined in formats without one. */
  readonly header?: DumpHeader;
}

/** A core, and how it was opened. */
export interface OpenedCore extends CoreFile {
  /** What it takes to open it once more. */
  readonly recipe: CoreRecipe;
  /** Bytes of the file or files. */
  readonly fileSize: number;
  /** What memory without data reads as. */
  readonly excluded: 'error' | 'zeros';
}
