import { type ByteSource, requireRange } from '../access/byte-source.ts';
import type { CoreFile, OpenCoreOptions } from './core-file.ts';
import { damaged } from './damaged.ts';
import { type Extent, makeExtents } from './extents.ts';
import { machineOf, PADDR_LIMIT } from './machine.ts';

/**
 * LiME, the format of the Linux Memory Extractor (its doc/README.md, "LiME Memory Range Header Version 1"): ranges of
 * physical memory, each behind a header of its own, little-endian. It says nothing of the machine or its kernel.
 */
export const LIME_MAGIC = 0x4c694d45;
const VERSION = 1;
const HEADER_BYTES = 32;
/** Byte offsets in a header. */
const RANGE = {
  magic: 0, // u32
  version: 4, // u32
  start: 8, // u64, physical address of the first byte
  last: 16, // u64, of the last byte
} as const;

/** Machines have tens of ranges. */
const RANGES_LIMIT = 1 << 20;

/** True for what begins with the magic of a range. */
export function isLime(head: Uint8Array): boolean {
  return (
    head.length >= HEADER_BYTES &&
    new DataView(head.buffer, head.byteOffset).getUint32(0, true) === LIME_MAGIC
  );
}

/** @throws VmcoreError ERR_VMCORE_TRUNCATED (unless `allowTruncated`), ERR_VMCORE_CORRUPT. */
export function openLime(source: ByteSource, options: OpenCoreOptions): CoreFile {
  const ranges: Extent[] = [];
  let incomplete = false;
  for (let at = 0; at < source.size; ) {
    if (options.allowTruncated && source.size - at < HEADER_BYTES) {
      incomplete = true;
      break;
    }
    const { start, end } = readRange(source, at);
    const offset = at + HEADER_BYTES;
    const there = options.allowTruncated ? Math.min(end - start, source.size - offset) : end - start;
    requireRange(source, offset, there);
    incomplete ||= there < end - start;
    if (ranges.push({ start, end: start + there, offset }) > RANGES_LIMIT) {
      throw damaged(source.name, `has more than ${RANGES_LIMIT} ranges`, at);
    }
    at = offset + (end - start);
  }
  const vmcoreinfo = options.vmcoreinfo ?? '';
  return {
    format: 'lime',
    machine: machineOf({ uname: '', vmcoreinfo, notes: [], littleEndian: true }),
    littleEndian: true,
    incomplete,
    source,
    segments: [],
    extents: makeExtents(ranges),
    notePayload: new Uint8Array(0),
    notes: [],
  };
}

function readRange(source: ByteSource, at: number): { start: number; end: number } {
  const bytes = new Uint8Array(HEADER_BYTES);
  requireRange(source, at, HEADER_BYTES);
  source.read(at, bytes);
  const view = new DataView(bytes.buffer);
  const version = view.getUint32(RANGE.version, true);
  if (view.getUint32(RANGE.magic, true) !== LIME_MAGIC || version !== VERSION) {
    throw damaged(source.name, 'has no header of a LiME range, version 1, where one has to be', at);
  }
  const start = view.getBigUint64(RANGE.start, true);
  const last = view.getBigUint64(RANGE.last, true);
  if (last >= PADDR_LIMIT || start > last) {
    throw damaged(source.name, `has a range from physical address ${start} to ${last}`, at);
  }
  return { start: Number(start), end: Number(last) + 1 };
}
