import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { VmcoreError } from '../errors.ts';
import type { CoreFile, NoteSegment, Segment } from './core-file.ts';
import { type Extent, makeExtents } from './extents.ts';
import { parseNotes } from './notes.ts';

/** ELF constants: include/uapi/linux/elf.h, and the gABI's chapters ELF Header and Program Header. */
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const EHDR_BYTES = 64;
const PHDR_BYTES = 56;
const SHDR_BYTES = 64;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ELFDATA2MSB = 2;
const ET_CORE = 4;
const PT_LOAD = 1;
const PT_NOTE = 4;
/** e_phnum of PN_XNUM: the real number is sh_info of section header 0. */
const PN_XNUM = 0xffff;
/** p_paddr of all ones: the producer knew no physical address (fs/proc/kcore.c, vmalloc ranges). */
const NO_PADDR = 0xffffffffffffffffn;

/** Physical addresses have at most 52 bits on x86_64 (Intel SDM 3, 4.1.4), and s390x machines have less memory. */
const PADDR_LIMIT = 2 ** 52;
/** The kernel keeps a core's notes below this: a few KiB a CPU, 1 MiB of device dumps. In bytes. */
const NOTES_LIMIT = 256 << 20;
/** /proc/vmcore has one PT_LOAD a memory range, makedumpfile's output up to a few a MiB. */
const SEGMENTS_LIMIT = 16 << 20;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'a relocatable object',
  2: 'an executable',
  3: 'a shared object or executable',
};

interface Ehdr {
  readonly littleEndian: boolean;
  readonly machine: number;
  readonly phoff: number;
  readonly phnum: number;
}

/** True for what begins with ELF's magic. */
export function isElf(head: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, i) => head[i] === byte);
}

/**
 * The headers of an ELF64 core. Counts and offsets are held against the source's size before anything is read by them.
 * @throws VmcoreError ERR_VMCORE_FORMAT, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT.
 */
export function openElf(source: ByteSource): CoreFile {
  const ehdr = readEhdr(source);
  const { segments, noteRanges, noteSegment } = readPhdrs(source, ehdr);
  requireData(source, segments);
  const { notePayload, noteParts } = readNotePayload(source, noteRanges);
  return {
    format: 'elf64',
    machine: ehdr.machine,
    littleEndian: ehdr.littleEndian,
    segments,
    extents: makeExtents(segments.flatMap(rangesOf)),
    notePayload,
    // A PT_NOTE that is damaged must not hide what the others say.
    notes: noteParts.flatMap(({ start, end }) => parseNotes(notePayload, ehdr.littleEndian, start, end)),
    noteSegment,
  };
}

function readEhdr(source: ByteSource): Ehdr {
  const bytes = new Uint8Array(EHDR_BYTES);
  requireRange(source, 0, EHDR_BYTES);
  source.read(0, bytes);
  if (bytes[4] !== ELFCLASS64) {
    throw refuse(
      source,
      bytes[4] === 1
        ? 'is a 32-bit ELF file, not an ELF64 core'
        : 'has ELF magic and no ELF header behind it',
    );
  }
  const data = bytes[5];
  if (data !== ELFDATA2LSB && data !== ELFDATA2MSB)
    throw refuse(source, 'has ELF magic and no ELF header behind it');
  const littleEndian = data === ELFDATA2LSB;
  const view = new DataView(bytes.buffer);
  const type = view.getUint16(16, littleEndian);
  if (type !== ET_CORE) {
    throw refuse(source, `is ${TYPE_NAMES[type] ?? `an ELF file of type ${type}`}, not a core`);
  }
  const phentsize = view.getUint16(54, littleEndian);
  if (phentsize !== PHDR_BYTES)
    throw corrupt(source, `has program headers of ${phentsize} bytes instead of ${PHDR_BYTES}`, 54);
  const phoff = narrow(source, view.getBigUint64(32, littleEndian), 'e_phoff', 32);
  const phnum = view.getUint16(56, littleEndian);
  return {
    littleEndian,
    machine: view.getUint16(18, littleEndian),
    phoff,
    phnum: phnum === PN_XNUM ? readExtendedPhnum(source, view, littleEndian) : phnum,
  };
}

function readExtendedPhnum(source: ByteSource, ehdr: DataView, littleEndian: boolean): number {
  const shoff = narrow(source, ehdr.getBigUint64(40, littleEndian), 'e_shoff', 40);
  const bytes = new Uint8Array(SHDR_BYTES);
  requireRange(source, shoff, SHDR_BYTES);
  source.read(shoff, bytes);
  return new DataView(bytes.buffer).getUint32(44, littleEndian);
}

function readPhdrs(source: ByteSource, { phoff, phnum, littleEndian }: Ehdr) {
  if (phnum === 0) throw corrupt(source, 'has no program headers', 56);
  if (phnum > SEGMENTS_LIMIT) throw corrupt(source, `claims ${phnum} program headers`, 56);
  requireRange(source, phoff, phnum * PHDR_BYTES);
  const bytes = new Uint8Array(phnum * PHDR_BYTES);
  source.read(phoff, bytes);
  const view = new DataView(bytes.buffer);
  const segments: Segment[] = [];
  const noteRanges: { offset: number; size: number }[] = [];
  let noteSegment: NoteSegment | undefined;
  for (let at = 0; at < bytes.length; at += PHDR_BYTES) {
    const type = view.getUint32(at, littleEndian);
    const where = phoff + at;
    if (type === PT_LOAD) segments.push(readSegment(source, view, at, where, littleEndian));
    if (type === PT_NOTE) {
      noteRanges.push({
        offset: narrow(source, view.getBigUint64(at + 8, littleEndian), 'p_offset', where + 8),
        size: narrow(source, view.getBigUint64(at + 32, littleEndian), 'p_filesz', where + 32),
      });
      noteSegment ??= {
        flags: view.getUint32(at + 4, littleEndian),
        align: view.getBigUint64(at + 48, littleEndian),
      };
    }
  }
  if (segments.length === 0) throw corrupt(source, 'has no PT_LOAD program header, so no memory', phoff);
  return { segments, noteRanges, noteSegment };
}

function readSegment(
  source: ByteSource,
  view: DataView,
  at: number,
  where: number,
  littleEndian: boolean,
): Segment {
  const paddr = view.getBigUint64(at + 24, littleEndian);
  const fileSize = narrow(source, view.getBigUint64(at + 32, littleEndian), 'p_filesz', where + 32);
  const segment: Segment = {
    paddr: paddr === NO_PADDR ? undefined : narrow(source, paddr, 'p_paddr', where + 24),
    vaddr: view.getBigUint64(at + 16, littleEndian),
    offset: narrow(source, view.getBigUint64(at + 8, littleEndian), 'p_offset', where + 8),
    fileSize,
    // A core that was filtered by QEMU's older versions has p_memsz of 0: the data counts.
    memSize: Math.max(
      fileSize,
      narrow(source, view.getBigUint64(at + 40, littleEndian), 'p_memsz', where + 40),
    ),
    flags: view.getUint32(at + 4, littleEndian),
    align: view.getBigUint64(at + 48, littleEndian),
  };
  if (segment.paddr !== undefined && segment.paddr + segment.memSize > PADDR_LIMIT) {
    throw corrupt(
      source,
      `has a PT_LOAD of ${segment.memSize} bytes at physical address ${segment.paddr}`,
      where,
    );
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
    const start = Math.ceil(total / 4) * 4;
    total = start + size;
    noteParts.push({ start, end: total });
  }
  if (total > NOTES_LIMIT) throw corrupt(source, `claims ${total} bytes of notes`, ranges[0]!.offset);
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

function narrow(source: ByteSource, value: bigint, field: string, offset: number): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw corrupt(source, `has ${field} = 0x${value.toString(16)} in the header at offset ${offset}`, offset);
  }
  return Number(value);
}

function refuse(source: ByteSource, what: string): VmcoreError {
  return new VmcoreError('ERR_VMCORE_FORMAT', `${source.name}: ${what}`, { file: source.name, offset: 0 });
}

function corrupt(source: ByteSource, what: string, offset: number): VmcoreError {
  return new VmcoreError('ERR_VMCORE_CORRUPT', `${source.name}: ${what}`, { file: source.name, offset });
}
