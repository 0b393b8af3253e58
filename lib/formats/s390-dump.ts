import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { VmcoreError } from '../errors.ts';
import type { CoreFile, OpenCoreOptions } from './core-file.ts';
import { makeExtents } from './extents.ts';
import { EM_S390, PADDR_LIMIT } from './machine.ts';
import { parseNotes } from './notes.ts';
import { cpuNotes, PREFIX_BYTES } from './s390-cpu-notes.ts';

/**
 * What the s390 stand-alone dumpers write (s390-tools, zdump/dfi_s390.h): a header, all memory from physical address 0
 * on, in which each CPU stored its status, and an end marker. Everything is big-endian.
 */
const MAGIC = 0xa8190173618f23fdn;
const HEADER_BYTES = 4096;
/** Byte offsets in the header. */
const HEADER = {
  magic: 0, // u64
  headerSize: 12, // u32, bytes: where memory begins
  pageSize: 20, // u32
  memorySize: 24, // u64, bytes
  volume: 76, // u32
  isMultiVolume: 92, // u8
  cpus: 93, // u16
  prefixes: 0x800, // u32 for each of at most 512 CPUs
} as const;
const CPUS_LIMIT = 512;
const END_MARKER = 'DUMP_END';
const PAGE_SIZE = 4096;

/** True for what begins with the magic. */
export function isS390Dump(head: Uint8Array): boolean {
  return head.length >= 8 && new DataView(head.buffer, head.byteOffset).getBigUint64(HEADER.magic) === MAGIC;
}

/** @throws VmcoreError ERR_VMCORE_TRUNCATED (unless `allowTruncated`), ERR_VMCORE_CORRUPT, ERR_VMCORE_FORMAT. */
export function openS390Dump(source: ByteSource, options: OpenCoreOptions): CoreFile {
  const { offset, memorySize, prefixes } = readHeader(source);
  if (!options.allowTruncated) requireEnd(source, offset + memorySize);
  const there = Math.min(memorySize, source.size - offset);
  const notePayload = readCpuNotes(source, offset, there, prefixes);
  return {
    format: 's390-dump',
    machine: EM_S390,
    littleEndian: false,
    incomplete: there < memorySize,
    source,
    segments: [],
    extents: makeExtents([{ start: 0, end: there, offset }]),
    notePayload,
    notes: parseNotes(notePayload, false),
  };
}

function readHeader(source: ByteSource): { offset: number; memorySize: number; prefixes: number[] } {
  const bytes = new Uint8Array(HEADER_BYTES);
  requireRange(source, 0, HEADER_BYTES);
  source.read(0, bytes);
  const view = new DataView(bytes.buffer);
  if (view.getUint8(HEADER.isMultiVolume) !== 0) {
    const what = `is volume ${view.getUint32(HEADER.volume)} of a multi-volume dump, which is not read here`;
    throw new VmcoreError('ERR_VMCORE_FORMAT', `${source.name}: ${what}; zgetdump joins the volumes`, {
      file: source.name,
      offset: HEADER.isMultiVolume,
    });
  }
  const offset = view.getUint32(HEADER.headerSize);
  const memorySize = view.getBigUint64(HEADER.memorySize);
  const pageSize = view.getUint32(HEADER.pageSize);
  if (offset < HEADER_BYTES || memorySize === 0n || memorySize > PADDR_LIMIT || pageSize !== PAGE_SIZE) {
    const what = `claims a header of ${offset} bytes and ${memorySize} bytes of memory in pages of ${pageSize}`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `${source.name}: ${what}`, {
      file: source.name,
      offset: HEADER.headerSize,
    });
  }
  requireRange(source, offset, 1);
  const cpus = Math.min(view.getUint16(HEADER.cpus), CPUS_LIMIT);
  const prefixes = Array.from({ length: cpus }, (_, i) => view.getUint32(HEADER.prefixes + i * 4));
  return { offset, memorySize: Number(memorySize), prefixes };
}

/** The status that the CPUs stored in their lowcores, as notes; of those whose prefix register is no address there is none. */
function readCpuNotes(
  source: ByteSource,
  offset: number,
  size: number,
  prefixes: readonly number[],
): Uint8Array {
  const notes = prefixes.flatMap((prefix, i) => {
    if (prefix === 0 || prefix % PREFIX_BYTES !== 0 || prefix + PREFIX_BYTES > size) return [];
    const area = new Uint8Array(PREFIX_BYTES);
    source.read(offset + prefix, area);
    return [cpuNotes(i + 1, prefix, area)];
  });
  return Buffer.concat(notes);
}

function requireEnd(source: ByteSource, offset: number): void {
  const bytes = new Uint8Array(END_MARKER.length);
  requireRange(source, offset, bytes.length);
  source.read(offset, bytes);
  if (Buffer.from(bytes).toString('latin1') === END_MARKER) return;
  const what = 'has no end marker: the dump did not come to its end';
  throw new VmcoreError('ERR_VMCORE_TRUNCATED', `${source.name}: ${what}`, { file: source.name, offset });
}
