import type { ByteSource } from '../../access/byte-source.ts';
import { isVmcoreError, type VmcoreError } from '../../errors.ts';
import type { CoreFile, OpenCoreOptions } from '../core-file.ts';
import { type Extent, type Extents, makeExtents } from '../extents.ts';
import { EM_S390 } from '../machine.ts';
import { parseNotes } from '../notes.ts';
import { readExtent } from '../read-extent.ts';
import { cpuNotes, PREFIX_BYTES, readVectorRegisters } from '../s390-cpu-notes.ts';
import { S390CompressedSource } from './compressed-source.ts';
import { requireEndMarker } from './end-marker.ts';
import { readS390Header, type S390Header } from './header.ts';
import { type DumpSegment, readSegments } from './segments.ts';

/** Where memory lies in a dump. */
interface DumpMemory {
  readonly source: ByteSource;
  readonly extents: Extents;
  /** Why the dump is not complete. */
  readonly problem: VmcoreError | undefined;
}

/**
 * What the s390 stand-alone dumpers write (s390-tools, zdump/dfi_s390.c) to one volume: a header, all memory from physical
 * address 0 on, or in segments what is not zeros, in which each CPU stored its status, and an end marker.
 * @throws VmcoreError ERR_VMCORE_TRUNCATED (unless `allowTruncated`), ERR_VMCORE_CORRUPT, ERR_VMCORE_FORMAT.
 */
export function openS390Dump(file: ByteSource, options: OpenCoreOptions): CoreFile {
  const header = readS390Header(file);
  const memory = header.isExtended ? inSegments(file, header, options) : allOfMemory(file, header);
  const { source, extents, problem } = memory;
  if (problem && !(options.allowTruncated && isVmcoreError(problem, 'ERR_VMCORE_TRUNCATED'))) throw problem;
  const notePayload = readCpuNotes(source, extents, header.prefixes);
  return {
    format: 's390-dump',
    machine: EM_S390,
    littleEndian: false,
    incomplete: problem !== undefined,
    source,
    segments: [],
    extents,
    notePayload,
    notes: parseNotes(notePayload, false),
  };
}

function allOfMemory(source: ByteSource, { headerSize, memorySize, tod }: S390Header): DumpMemory {
  const there = Math.min(memorySize, source.size - headerSize);
  return {
    source,
    extents: makeExtents([{ start: 0, end: there, offset: headerSize }]),
    problem: endProblem(source, headerSize + memorySize, tod),
  };
}

function endProblem(source: ByteSource, offset: number, tod: bigint): VmcoreError | undefined {
  try {
    requireEndMarker(source, offset, tod);
    return undefined;
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_TRUNCATED')) return error;
    throw error;
  }
}

function inSegments(file: ByteSource, header: S390Header, { sparing }: OpenCoreOptions): DumpMemory {
  const { segments, memoryEnd, problem } = readSegments(file, header);
  const isCompressed = segments.some(({ entries }) => entries);
  const data = segments.map(
    ({ start, end, offset }): Extent => ({ start, end, offset: isCompressed ? start : offset }),
  );
  const { entrySize } = header;
  return {
    source: isCompressed ? new S390CompressedSource({ file, segments, memoryEnd, entrySize, sparing }) : file,
    extents: makeExtents([...data, ...zeros(segments, memoryEnd)]),
    problem,
  };
}

/** Between segments, and behind the last one. */
function zeros(segments: readonly DumpSegment[], memoryEnd: number): Extent[] {
  const starts = [0, ...segments.map(({ end }) => end)];
  const ends = [...segments.map(({ start }) => start), memoryEnd];
  return starts.map((start, i) => ({ start, end: Math.max(start, ends[i]!), offset: -1 }));
}

/** The status that the CPUs stored in their lowcores, as notes; of those whose prefix register is no address there is none. */
function readCpuNotes(source: ByteSource, extents: Extents, prefixes: readonly number[]): Uint8Array {
  const read = (address: number, length: number) => {
    const bytes = readExtent(source, extents, address, length);
    return bytes?.length === length ? bytes : undefined;
  };
  const notes: Uint8Array[] = [];
  for (const prefix of prefixes) {
    const area = prefix % PREFIX_BYTES === 0 && prefix > 0 ? read(prefix, PREFIX_BYTES) : undefined;
    if (!area) continue;
    // The kernel counts the CPUs that it writes.
    notes.push(cpuNotes({ cpu: notes.length + 1, prefix, area, vectors: readVectorRegisters(area, read) }));
  }
  return Buffer.concat(notes);
}
