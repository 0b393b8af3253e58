import { type ByteSource, requireRange } from '../../access/byte-source.ts';
import { hex, VmcoreError } from '../../errors.ts';
import { damaged } from '../damaged.ts';
import type { S390Header } from './header.ts';

/** In front of each segment: struct df_s390_dump_segm_hdr (s390-tools, include/dump/s390_dump.h). In bytes. */
export const SEGMENT_HEADER_BYTES = 4096;
/** Byte offsets in it. */
const SEGMENT = {
  start: 0, // u64, physical address
  length: 8, // u64, bytes of memory
  stopMarker: 16, // u64, not 0 in the last one
  blocks: 24, // u32, blocks that its compressed data take, 0 where it is not compressed
  entryCount: 48, // u32
  entryOffsets: 52, // u32 for each entry
} as const;
/** DUMP_SEGM_ZLIB_MAXENTS. */
const ENTRIES_LIMIT = (SEGMENT_HEADER_BYTES - SEGMENT.entryOffsets) / 4;
/** The dumpers write 1 MiB (DUMP_SEGM_ZLIB_ENTSIZE); what is decompressed at once has to be small. In bytes. */
const ENTRY_LIMIT = 16 << 20;
const PAGE_SIZE = 4096;

/** A segment's header, with what does not depend on the size of blocks checked. */
export interface SegmentHeader {
  readonly start: number;
  readonly length: number;
  readonly isLast: boolean;
  /** Blocks of compressed data; 0 where it is not compressed. */
  readonly blocks: number;
  readonly entryOffsets: Uint32Array;
}

/**
 * Reads what stands in front of a segment whose memory lies behind `memoryBefore`.
 * @throws VmcoreError ERR_VMCORE_TRUNCATED where there is none any more, ERR_VMCORE_CORRUPT.
 */
export function readSegmentHeader(
  source: ByteSource,
  at: number,
  { memorySize, entrySize }: S390Header,
  memoryBefore: number,
): SegmentHeader {
  const view = new DataView(readHeaderBytes(source, at));
  const [start, length] = [view.getBigUint64(SEGMENT.start), view.getBigUint64(SEGMENT.length)];
  const isLast = view.getBigUint64(SEGMENT.stopMarker) !== 0n;
  // The dumper tells so that no memory is left which is not zeros.
  if (isLast && length === 0n)
    return { start: memoryBefore, length: 0, isLast, blocks: 0, entryOffsets: new Uint32Array(0) };
  const isAligned = (start | length) % BigInt(PAGE_SIZE) === 0n;
  if (length === 0n || !isAligned || start < memoryBefore || start + length > memorySize) {
    const what = `claims a segment of ${length} bytes at ${hex(start)}`;
    const place = `whole pages between ${hex(memoryBefore)} and ${hex(memorySize)}`;
    throw damaged(source.name, `${what}, which are no ${place}`, at);
  }
  const blocks = view.getUint32(SEGMENT.blocks);
  const header = { start: Number(start), length: Number(length), isLast, blocks };
  const entryCount = blocks === 0 ? 0 : countEntries(source, at, view, entrySize, header.length);
  const entryOffsets = Uint32Array.from({ length: entryCount }, (_, i) =>
    view.getUint32(SEGMENT.entryOffsets + i * 4),
  );
  return { ...header, entryOffsets };
}

/** What was never written on a partition is zeros. */
function readHeaderBytes(source: ByteSource, at: number): ArrayBuffer {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  requireRange(source, at, bytes.length);
  source.read(at, bytes);
  if (bytes.some((byte) => byte !== 0)) return bytes.buffer;
  const what = 'has no more segments, but none was the last: the dump did not come to its end';
  const message = `${source.name}: ${what}; allowTruncated opens what is there`;
  throw new VmcoreError('ERR_VMCORE_TRUNCATED', message, { file: source.name, offset: at });
}

function countEntries(
  source: ByteSource,
  at: number,
  view: DataView,
  entrySize: number,
  length: number,
): number {
  if (entrySize === 0 || entrySize > ENTRY_LIMIT || entrySize % PAGE_SIZE !== 0) {
    const what = `has compressed memory, in entries of ${entrySize} bytes`;
    throw damaged(source.name, `${what}, which are not whole pages of at most ${ENTRY_LIMIT}`, at);
  }
  const count = view.getUint32(SEGMENT.entryCount);
  if (count > ENTRIES_LIMIT || count !== Math.ceil(length / entrySize)) {
    const what = `claims ${count} compressed entries of ${entrySize} bytes for a segment of ${length} bytes`;
    throw damaged(source.name, `${what}; a segment has at most ${ENTRIES_LIMIT}`, at);
  }
  return count;
}
