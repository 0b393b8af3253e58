import { readFileSync } from 'node:fs';
import type { ByteSource } from '../access/byte-source.ts';
import { type KcoreRange, KcoreSource } from '../access/kcore-source.ts';
import { VmcoreError } from '../errors.ts';
import type { CoreFile, OpenCoreOptions } from './core-file.ts';
import { type Ehdr, type ProgramHeader, readEhdr, readProgramHeaders } from './elf.ts';
import { makeExtents } from './extents.ts';
import { type MemoryRange, usedMemory, withoutRange } from './iomem.ts';
import { PADDR_LIMIT } from './machine.ts';
import { findVmcoreinfo, joinNotes, parseNotes } from './notes.ts';

/** The note of a task_struct, which no core of a crash has (include/uapi/linux/elf.h, fs/proc/kcore.c). */
const NT_TASKSTRUCT = 4;
/** They are a few pages, the most a task_struct of 10 KiB and VMCOREINFO; in bytes. */
const KCORE_NOTES_LIMIT = 1n << 20n;
/** What its memory is: Documentation/filesystems/proc.rst. */
const IOMEM = '/proc/iomem';
/** Where VMCOREINFO is: physical address and length of its note, both hexadecimal (kernel/ksysfs.c). */
const VMCOREINFO = '/sys/kernel/vmcoreinfo';

/** Whether an ELF core is /proc/kcore: its first program header has the notes, and one of them is of a task. */
export function isKcore(source: ByteSource): boolean {
  const ehdr = readEhdr(source);
  const [first] = readProgramHeaders(source, ehdr, 1);
  const notes = first && readNotes(source, first);
  return notes !== undefined && parseNotes(notes, ehdr.littleEndian).some(isTask);
}

function isTask({ name, type }: { name: string; type: number }): boolean {
  return name === 'CORE' && type === NT_TASKSTRUCT;
}

/** The payload of a PT_NOTE; undefined for what is none, or none of /proc/kcore. */
function readNotes(source: ByteSource, { isNote, offset, fileSize }: ProgramHeader): Uint8Array | undefined {
  if (!isNote || fileSize > KCORE_NOTES_LIMIT || offset + fileSize > BigInt(source.size)) return undefined;
  const payload = new Uint8Array(Number(fileSize));
  source.read(Number(offset), payload);
  return payload;
}

/**
 * The running kernel as a core. Its memory is System RAM without what is reserved for a capture kernel; segments without
 * a physical address (vmalloc, modules, the memory map) are other names of the same memory.
 * @throws VmcoreError ERR_VMCORE_OPEN when it can't be told what is memory.
 */
export function openKcore(source: ByteSource, options: OpenCoreOptions): CoreFile {
  const fd = source.shared?.fd;
  if (fd === undefined)
    throw refuse(source, 'a running kernel is read from a file, not from a copy in memory');
  const ram = usedMemory(options.iomem ?? readText(source, IOMEM));
  if (ram.length === 0) throw refuse(source, `${IOMEM} does not tell where memory is; only root may see it`);
  const ehdr = readEhdr(source);
  const headers = readProgramHeaders(source, ehdr);
  const ranges = rangesOf(headers, ram);
  const memory = new KcoreSource(source, fd, ranges);
  const notePayload = notesOf(source, memory, ehdr, headers, options);
  return {
    format: 'kcore',
    source: memory,
    machine: ehdr.machine,
    incomplete: false,
    littleEndian: ehdr.littleEndian,
    segments: [],
    extents: makeExtents(ranges.map(({ start, end }) => ({ start, end, offset: start }))),
    notePayload,
    notes: parseNotes(notePayload, ehdr.littleEndian),
  };
}

/** Memory with its place in the file. What several segments have (the kernel's image) is the first one's. */
function rangesOf(headers: readonly ProgramHeader[], ram: readonly MemoryRange[]): KcoreRange[] {
  const ranges: KcoreRange[] = [];
  let rest = ram;
  for (const { isLoad, paddr, fileSize, offset } of headers) {
    if (!isLoad || paddr === undefined || paddr + fileSize > PADDR_LIMIT) continue;
    const load = { start: Number(paddr), end: Number(paddr + fileSize) };
    for (const { start, end } of rest) {
      const from = Math.max(start, load.start);
      const to = Math.min(end, load.end);
      if (from < to) ranges.push({ start: from, end: to, offset: offset + BigInt(from - load.start) });
    }
    rest = withoutRange(rest, load);
  }
  return ranges.sort((a, b) => a.start - b.start);
}

/** The notes; before 4.19 VMCOREINFO was not among them. */
function notesOf(
  source: ByteSource,
  memory: ByteSource,
  { littleEndian }: Ehdr,
  headers: readonly ProgramHeader[],
  { iomem, vmcoreinfo }: OpenCoreOptions,
): Uint8Array {
  const payload = readNotes(source, headers[0]!) ?? new Uint8Array(0);
  const isKnown = vmcoreinfo !== undefined || findVmcoreinfo(parseNotes(payload, littleEndian)) !== undefined;
  // Of another machine's memory this machine knows nothing.
  if (isKnown || iomem !== undefined) return payload;
  const note = noteAt(memory, readText(source, VMCOREINFO));
  return note ? joinNotes(payload, note) : payload;
}

/** The note at a place in memory, as /sys/kernel/vmcoreinfo tells it; undefined where it tells none. */
export function noteAt(memory: ByteSource, place: string): Uint8Array | undefined {
  const [, address, length] = /^(?:0x)?([0-9a-f]+) ([0-9a-f]+)\s*$/.exec(place) ?? [];
  if (address === undefined || length === undefined) return undefined;
  const [start, size] = [Number.parseInt(address, 16), Number.parseInt(length, 16)];
  if (size > KCORE_NOTES_LIMIT || start + size > memory.size) return undefined;
  const note = new Uint8Array(size);
  memory.read(start, note);
  return note;
}

function readText(source: ByteSource, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw refuse(source, `${file}, which belongs to it, can't be read`, cause);
  }
}

function refuse(source: ByteSource, what: string, cause?: unknown): VmcoreError {
  return new VmcoreError('ERR_VMCORE_OPEN', `${source.name}: ${what}`, { file: source.name, cause });
}
