import type { ByteSource } from '../../access/byte-source.ts';
import { isVmcoreError, VmcoreError } from '../../errors.ts';
import { damaged } from '../damaged.ts';
import { requireEndMarker } from './end-marker.ts';
import { EntryReader, entriesOf, type SegmentEntries } from './entries.ts';
import type { S390Header } from './header.ts';
import { readSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from './segment-header.ts';

/** Memory that is not zeros, as a dump in extended format has it. */
export interface DumpSegment {
  /** Physical address of the first byte. */
  readonly start: number;
  /** Physical address behind the last byte that is there. */
  readonly end: number;
  /** File offset of its data. */
  readonly offset: number;
  /** How it is compressed; undefined where it is stored as it is. */
  readonly entries: SegmentEntries | undefined;
}

/** The segments of a dump in extended format, ascending. */
export interface SegmentChain {
  readonly segments: readonly DumpSegment[];
  /** Behind the memory that they tell of: what lies between them and up to here are zeros. */
  readonly memoryEnd: number;
  /** Why they don't lead to the end marker: ERR_VMCORE_TRUNCATED, or ERR_VMCORE_CORRUPT. */
  readonly problem: VmcoreError | undefined;
}

/** A segment is 1 MiB or more of memory (zipl/boot/stage2dump.c: find_dump_segment()): so many are terabytes. */
const SEGMENTS_LIMIT = 1 << 20;
/** Of all segments: 16 TiB of memory, in entries of 1 MiB. */
const ALL_ENTRIES_LIMIT = 1 << 24;
/** Blocks of a DASD, which the offsets of entries are in, the usual one first. No field of a dump tells which. In bytes. */
const BLOCK_SIZES = [4096, 2048, 1024, 512] as const;

/** How far the segments go with blocks of one size. */
interface Walk extends SegmentChain {
  readonly isCompressed: boolean;
}

/** Finds the segments, and the size of blocks with which they lead to an end marker. */
export function readSegments(source: ByteSource, header: S390Header): SegmentChain {
  const first = walk(source, header, BLOCK_SIZES[0]);
  if (!first.problem || !first.isCompressed) return first;
  const walks = [first, ...BLOCK_SIZES.slice(1).map((size) => walk(source, header, size))];
  return walks.find(({ problem }) => !problem) ?? likeliest(source, header, walks);
}

/**
 * Of walks that did not come to the end: the wrong blocks lead to what is no segment, or beyond the end of the file. Where
 * several were cut off after as many segments, they are of the smallest blocks in which entries are whole.
 */
function likeliest(source: ByteSource, header: S390Header, walks: readonly Walk[]): SegmentChain {
  const most = Math.max(...walks.map(({ segments }) => segments.length));
  const furthest = walks.filter(({ segments }) => segments.length === most);
  const cut = furthest.findLast(
    ({ segments, problem }) =>
      isVmcoreError(problem, 'ERR_VMCORE_TRUNCATED') && hasWholeEntries(source, header, segments),
  );
  if (cut) return cut;
  const cause = (furthest.find(({ problem }) => isVmcoreError(problem, 'ERR_VMCORE_CORRUPT')) ?? furthest[0]!)
    .problem!;
  const sizes = BLOCK_SIZES.join(', ');
  const message = `${cause.message}; in blocks of none of ${sizes} bytes do its segments lead to an end marker`;
  const { offset } = cause;
  const problem = new VmcoreError('ERR_VMCORE_CORRUPT', message, { file: source.name, offset, cause });
  return { ...furthest[0]!, problem };
}

/** Entries that are looked at: one with the wrong blocks is no stream, or not all of one. */
const TRIED_ENTRIES = 8;

function hasWholeEntries(
  source: ByteSource,
  { entrySize }: S390Header,
  segments: readonly DumpSegment[],
): boolean {
  const segment = segments.find(({ entries }) => entries);
  if (!segment?.entries) return true;
  const reader = new EntryReader(source);
  const into = new Uint8Array(entrySize);
  try {
    for (let i = 0; i < Math.min(segment.entries.count, TRIED_ENTRIES); i++) {
      const entry = segment.entries.at(i);
      const { length, offset, storedBytes, isCompressed } = entry;
      if (!isCompressed && storedBytes !== length) return false;
      if (isCompressed && offset + storedBytes <= source.size) reader.load(entry, into.subarray(0, length));
    }
    return true;
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_CORRUPT')) return false;
    throw error;
  }
}

function walk(source: ByteSource, header: S390Header, blockSize: number): Walk {
  const segments: DumpSegment[] = [];
  let [at, memoryEnd, entries, isCompressed] = [header.headerSize, 0, 0, false];
  try {
    for (let isLast = false; !isLast; ) {
      const next = readSegmentHeader(source, at, header, memoryEnd);
      isLast = next.isLast;
      isCompressed ||= next.blocks > 0;
      entries += next.entryOffsets.length;
      const offset = at + SEGMENT_HEADER_BYTES;
      if (segments.length === SEGMENTS_LIMIT || entries > ALL_ENTRIES_LIMIT) {
        throw damaged(source.name, 'has more segments than any machine has memory for', at);
      }
      const segment = placeSegment(source, next, { offset, blockSize, entrySize: header.entrySize });
      if (next.length > 0) segments.push(segment);
      memoryEnd = segment.end;
      at = offset + (next.blocks > 0 ? next.blocks * blockSize : next.length);
      // Memory behind the last one is zeros, if all of that one is there.
      if (isLast && at <= source.size) memoryEnd = header.memorySize;
    }
    requireEndMarker(source, at, header.tod);
    return { segments, memoryEnd, isCompressed, problem: undefined };
  } catch (problem) {
    if (!isVmcoreError(problem, 'ERR_VMCORE_TRUNCATED') && !isVmcoreError(problem, 'ERR_VMCORE_CORRUPT'))
      throw problem;
    return { segments, memoryEnd, isCompressed, problem };
  }
}

/** Where a segment lies, as far as the file has it. @throws VmcoreError ERR_VMCORE_CORRUPT. */
function placeSegment(
  source: ByteSource,
  { start, length, blocks, entryOffsets }: SegmentHeader,
  { offset, blockSize, entrySize }: { offset: number; blockSize: number; entrySize: number },
): DumpSegment {
  if (blocks === 0) {
    return { start, end: start + Math.min(length, source.size - offset), offset, entries: undefined };
  }
  const stored = { source, start, end: start + length, offset, blocks, blockSize, entrySize, entryOffsets };
  const entries = entriesOf(stored);
  return { start, end: entries.endWithin(source.size), offset, entries };
}
