import { type ByteSource, requireRange } from '../access/byte-source.ts';
import type { CoreFile, NoteSegment, Segment } from './core-file.ts';
import { damaged, narrow, unsupported } from './damaged.ts';
import {
  ELF_CLASSES,
  ELF_IDENT,
  ELF_MAGIC,
  ELF32,
  ELFDATA2LSB,
  ELFDATA2MSB,
  type ElfClass,
  ET_CORE,
  PN_XNUM,
  PT_LOAD,
  PT_NOTE,
} from './elf-layout.ts';
import { type Extent, makeExtents } from './extents.ts';
import { ELF_INCOMPLETE } from './incomplete-mark.ts';
import { PADDR_LIMIT } from './machine.ts';
import { align4, NOTES_LIMIT, parseNotes } from './notes.ts';

/** The shorter of both headers. */
const IDENT_BYTES = ELF32.ehdr.bytes;

/** /proc/vmcore has one PT_LOAD a memory range, makedumpfile's output up to a few a MiB. */
const SEGMENTS_LIMIT = 16 << 20;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'a relocatable object',
  2: 'an executable',
  3: 'a shared object or executable',
};

/** What the ELF header says. */
export interface Ehdr {
  readonly elf: ElfClass;
  readonly littleEndian: boolean;
  readonly machine: number;
  /** Whether it is marked so. */
  readonly incomplete: boolean;
  readonly phoff: number;
  readonly phnum: number;
}

/** True for what begins with ELF's magic. */
export function isElf(head: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, i) => head[i] === byte);
}

/**
 * The headers of an ELF core of 64 or 32 bits. Counts and offsets are held against the source's size before anything is read by them.
 * @throws VmcoreError ERR_VMCORE_FORMAT, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT.
 */
export function openElf(source: ByteSource): CoreFile {
  const { ehdr, segments, noteRanges, noteSegment } = readElfHeaders(source);
  if (segments.length === 0) {
    throw damaged(source.name, 'has no PT_LOAD program header, so no memory', ehdr.phoff);
  }
  requireData(source, segments);
  const { notePayload, noteParts } = readNotePayload(source, noteRanges);
  return {
    format: ehdr.elf.format,
    source,
    machine: ehdr.machine,
    littleEndian: ehdr.littleEndian,
    incomplete: ehdr.incomplete,
    segments,
    extents: makeExtents(segments.flatMap(rangesOf)),
    notePayload,
    // A PT_NOTE that is damaged must not hide what the others say.
    notes: noteParts.flatMap(({ start, end }) => parseNotes(notePayload, ehdr.littleEndian, start, end)),
    noteSegment,
  };
}

/** All headers of a core, and where what they describe should lie. */
export interface ElfFacts {
  readonly ehdr: Ehdr;
  readonly segments: readonly Segment[];
  readonly noteRanges: readonly { readonly offset: number; readonly size: number }[];
  readonly noteSegment: NoteSegment | undefined;
  /** Program headers that are all zeros, and others that are neither PT_LOAD nor PT_NOTE: there should be none. */
  readonly unwritten: number;
  readonly others: number;
  /** Where the program headers lie, in bytes. */
  readonly table: { readonly offset: number; readonly size: number };
}

/** @throws VmcoreError ERR_VMCORE_FORMAT, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT. */
export function readElfHeaders(source: ByteSource): ElfFacts {
  const ehdr = readEhdr(source);
  const table = { offset: ehdr.phoff, size: ehdr.phnum * ehdr.elf.phdr.bytes };
  return { ehdr, ...readPhdrs(source, ehdr), table };
}

/** A program header as it stands in the file, whatever it says. */
export interface ProgramHeader {
  readonly isLoad: boolean;
  readonly isNote: boolean;
  /** Undefined where the producer knew none. */
  readonly paddr: bigint | undefined;
  readonly offset: bigint;
  readonly fileSize: bigint;
}

/** The program headers, or the first `most` of them; none where the file ends before. @throws as readEhdr(). */
export function readProgramHeaders(
  source: ByteSource,
  { elf, littleEndian, phoff, phnum }: Ehdr,
  most = SEGMENTS_LIMIT,
): ProgramHeader[] {
  const { phdr } = elf;
  const count = Math.min(phnum, most);
  if (phoff + count * phdr.bytes > source.size) return [];
  const bytes = new Uint8Array(count * phdr.bytes);
  source.read(phoff, bytes);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => {
    const at = i * phdr.bytes;
    const type = view.getUint32(at, littleEndian);
    const word = (field: 'offset' | 'paddr' | 'filesz') => elf.word(view, at + phdr[field], littleEndian);
    const paddr = word('paddr') === elf.noPaddr ? undefined : word('paddr');
    const [isLoad, isNote] = [type === PT_LOAD, type === PT_NOTE];
    return { isLoad, isNote, paddr, offset: word('offset'), fileSize: word('filesz') };
  });
}

/** What the ELF header of any kind of file begins with, and all of it as bytes. */
export interface ElfIdent {
  readonly elf: ElfClass;
  readonly littleEndian: boolean;
  readonly type: number;
  readonly machine: number;
  readonly view: DataView;
}

/** @throws VmcoreError ERR_VMCORE_FORMAT, ERR_VMCORE_TRUNCATED. */
export function readElfIdent(source: ByteSource): ElfIdent {
  const ident = new Uint8Array(IDENT_BYTES);
  requireRange(source, 0, IDENT_BYTES);
  source.read(0, ident);
  const elf = ELF_CLASSES[ident[ELF_IDENT.class]!];
  const data = ident[ELF_IDENT.data];
  if (!elf || (data !== ELFDATA2LSB && data !== ELFDATA2MSB))
    throw unsupported(source.name, 'has ELF magic and no ELF header behind it');
  const bytes = new Uint8Array(elf.ehdr.bytes);
  requireRange(source, 0, bytes.length);
  source.read(0, bytes);
  const littleEndian = data === ELFDATA2LSB;
  const view = new DataView(bytes.buffer);
  const type = view.getUint16(ELF_IDENT.type, littleEndian);
  const machine = view.getUint16(ELF_IDENT.machine, littleEndian);
  return { elf, littleEndian, type, machine, view };
}

/** @throws VmcoreError ERR_VMCORE_FORMAT, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT. */
export function readEhdr(source: ByteSource): Ehdr {
  const { elf, littleEndian, type, machine, view } = readElfIdent(source);
  const { ehdr, phdr } = elf;
  if (type !== ET_CORE) {
    throw unsupported(source.name, `is ${TYPE_NAMES[type] ?? `an ELF file of type ${type}`}, not a core`);
  }
  const phentsize = view.getUint16(ehdr.phentsize, littleEndian);
  if (phentsize !== phdr.bytes) {
    const what = `has program headers of ${phentsize} bytes instead of ${phdr.bytes}`;
    throw damaged(source.name, what, ehdr.phentsize);
  }
  const phoff = narrow(source.name, elf.word(view, ehdr.phoff, littleEndian), 'e_phoff', ehdr.phoff);
  const phnum = view.getUint16(ehdr.phnum, littleEndian);
  return {
    elf,
    littleEndian,
    machine,
    incomplete: (view.getUint32(ehdr.flags, littleEndian) & ELF_INCOMPLETE) !== 0,
    phoff,
    phnum: phnum === PN_XNUM ? readExtendedPhnum(source, elf, view, littleEndian) : phnum,
  };
}

function readExtendedPhnum(
  source: ByteSource,
  { ehdr, shdr, word }: ElfClass,
  view: DataView,
  littleEndian: boolean,
): number {
  const shoff = narrow(source.name, word(view, ehdr.shoff, littleEndian), 'e_shoff', ehdr.shoff);
  const bytes = new Uint8Array(shdr.bytes);
  requireRange(source, shoff, shdr.bytes);
  source.read(shoff, bytes);
  return new DataView(bytes.buffer).getUint32(shdr.info, littleEndian);
}

function readPhdrs(source: ByteSource, ehdr: Ehdr) {
  const { elf, phoff, phnum, littleEndian } = ehdr;
  const { phdr } = elf;
  if (phnum === 0) throw damaged(source.name, 'has no program headers', elf.ehdr.phnum);
  if (phnum > SEGMENTS_LIMIT) throw damaged(source.name, `claims ${phnum} program headers`, elf.ehdr.phnum);
  requireRange(source, phoff, phnum * phdr.bytes);
  const bytes = new Uint8Array(phnum * phdr.bytes);
  source.read(phoff, bytes);
  const view = new DataView(bytes.buffer);
  const segments: Segment[] = [];
  const noteRanges: { offset: number; size: number }[] = [];
  let noteSegment: NoteSegment | undefined;
  let unwritten = 0;
  let others = 0;
  for (let at = 0; at < bytes.length; at += phdr.bytes) {
    const type = view.getUint32(at, littleEndian);
    if (type === PT_LOAD) segments.push(readSegment(source, ehdr, view, at));
    else if (type === PT_NOTE) {
      noteRanges.push({
        offset: phdrWord(source, ehdr, view, at, 'offset'),
        size: phdrWord(source, ehdr, view, at, 'filesz'),
      });
      noteSegment ??= {
        flags: view.getUint32(at + phdr.flags, littleEndian),
        align: elf.word(view, at + phdr.align, littleEndian),
      };
    } else if (bytes.subarray(at, at + phdr.bytes).every((byte) => byte === 0)) unwritten++;
    else others++;
  }
  return { segments, noteRanges, noteSegment, unwritten, others };
}

/** A field of the program header at byte `at` of the table `view`. */
function phdrWord(
  source: ByteSource,
  { elf, phoff, littleEndian }: Ehdr,
  view: DataView,
  at: number,
  field: 'offset' | 'paddr' | 'filesz' | 'memsz',
): number {
  const where = at + elf.phdr[field];
  return narrow(source.name, elf.word(view, where, littleEndian), `p_${field}`, phoff + where);
}

function readSegment(source: ByteSource, ehdr: Ehdr, view: DataView, at: number): Segment {
  const { elf, littleEndian } = ehdr;
  const word = (field: 'offset' | 'paddr' | 'filesz' | 'memsz') => phdrWord(source, ehdr, view, at, field);
  const hasPaddr = elf.word(view, at + elf.phdr.paddr, littleEndian) !== elf.noPaddr;
  const fileSize = word('filesz');
  const segment: Segment = {
    paddr: hasPaddr ? word('paddr') : undefined,
    vaddr: elf.word(view, at + elf.phdr.vaddr, littleEndian),
    offset: word('offset'),
    fileSize,
    // A core that was filtered by QEMU's older versions has p_memsz of 0: the data counts.
    memSize: Math.max(fileSize, word('memsz')),
    flags: view.getUint32(at + elf.phdr.flags, littleEndian),
    align: elf.word(view, at + elf.phdr.align, littleEndian),
  };
  if (segment.paddr !== undefined && segment.paddr + segment.memSize > PADDR_LIMIT) {
    const what = `has a PT_LOAD of ${segment.memSize} bytes at physical address ${segment.paddr}`;
    throw damaged(source.name, what, ehdr.phoff + at);
  }
  return segment;
}

/** A core that is shorter than its program headers say was cut off while it was saved. */
function requireData(source: ByteSource, segments: readonly Segment[]): void {
  for (const { offset, fileSize } of segments) if (fileSize > 0) requireRange(source, offset, fileSize);
}

/** The payloads of all PT_NOTEs one after another, and where each of them lies in that. */
function readNotePayload(source: ByteSource, ranges: readonly { offset: number; size: number }[]) {
  // Each payload begins aligned, as it did in its own segment.
  const noteParts: { start: number; end: number }[] = [];
  let total = 0;
  for (const { size } of ranges) {
    const start = align4(total);
    total = start + size;
    noteParts.push({ start, end: total });
  }
  if (total > NOTES_LIMIT) throw damaged(source.name, `claims ${total} bytes of notes`, ranges[0]!.offset);
  for (const { offset, size } of ranges) requireRange(source, offset, size);
  const notePayload = new Uint8Array(total);
  ranges.forEach(({ offset }, i) => {
    source.read(offset, notePayload.subarray(noteParts[i]!.start, noteParts[i]!.end));
  });
  return { notePayload, noteParts };
}

function rangesOf({ paddr, offset, fileSize, memSize }: Segment): Extent[] {
  if (paddr === undefined) return [];
  const ranges: Extent[] = [];
  if (fileSize > 0) ranges.push({ start: paddr, end: paddr + fileSize, offset });
  if (memSize > fileSize) ranges.push({ start: paddr + fileSize, end: paddr + memSize, offset: -1 });
  return ranges;
}
