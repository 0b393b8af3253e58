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

/** What the first PT_NOTE program header says beside where its notes lie. */
export interface NoteSegment {
  /** p_flags. */
  readonly flags: number;
  /** p_align: 0 or 4. */
  readonly align: bigint;
}

/** What a source's headers say: the hub between input formats and everything that reads memory. */
export interface CoreFile {
  /** Which format it is. */
  readonly format: 'elf64';
  /** e_machine. */
  readonly machine: number;
  readonly littleEndian: boolean;
  readonly segments: readonly Segment[];
  /** Where physical memory lies. */
  readonly extents: Extents;
  /** The payload of all PT_NOTEs, one after another. */
  readonly notePayload: Uint8Array;
  readonly notes: readonly Note[];
  /** Undefined where there is no PT_NOTE. */
  readonly noteSegment?: NoteSegment | undefined;
}
