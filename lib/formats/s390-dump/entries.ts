import type { ByteSource } from '../../access/byte-source.ts';
import type { PageCodec } from '../../codecs/codec.ts';
import { codec } from '../../codecs/registry.ts';
import { hex, isVmcoreError, VmcoreError } from '../../errors.ts';

/** Memory that is compressed together. */
export interface Entry {
  /** Physical address of the first byte. */
  readonly address: number;
  /** Bytes of memory. */
  readonly length: number;
  /** File offset of what is stored. */
  readonly offset: number;
  /** Bytes that it takes in the file; a stream may end before. */
  readonly storedBytes: number;
  readonly isCompressed: boolean;
}

/** A compressed segment, by its header. */
export interface StoredSegment {
  readonly source: ByteSource;
  /** Physical address of the first byte, and behind the last one. */
  readonly start: number;
  readonly end: number;
  /** File offset of its data, which takes `blocks` of `blockSize` bytes. */
  readonly offset: number;
  readonly blocks: number;
  readonly blockSize: number;
  /** Bytes of memory in each entry but the last. */
  readonly entrySize: number;
  /** Of each entry, in blocks from `offset` on, with a flag. */
  readonly entryOffsets: Uint32Array;
}

/** DUMP_SEGM_ENTRY_UNCOMPRESSED (s390-tools, include/dump/s390_dump.h). */
const UNCOMPRESSED = 0x80000000;
/** What does not get smaller is stored as it is, unless the dumper sees it late: no stream is much longer than its memory. */
const STORED_FACTOR = 2;

/** The entries of one segment. */
export class SegmentEntries {
  readonly #segment: StoredSegment;

  constructor(segment: StoredSegment) {
    this.#segment = segment;
  }

  get count(): number {
    return this.#segment.entryOffsets.length;
  }

  at(index: number): Entry {
    const { start, end, offset, blockSize, entrySize, entryOffsets } = this.#segment;
    const address = start + index * entrySize;
    const first = this.#firstBlock(index);
    return {
      address,
      length: Math.min(entrySize, end - address),
      offset: offset + first * blockSize,
      storedBytes: (this.#firstBlock(index + 1) - first) * blockSize,
      isCompressed: entryOffsets[index]! < UNCOMPRESSED,
    };
  }

  /** The entry that has the byte at a physical address. */
  holding(address: number): Entry {
    return this.at(Math.floor((address - this.#segment.start) / this.#segment.entrySize));
  }

  /** Physical address behind the last entry of which a file of `size` bytes has everything. */
  endWithin(size: number): number {
    let end = this.#segment.start;
    for (let i = 0; i < this.count; i++) {
      const { address, length, offset, storedBytes } = this.at(i);
      if (offset + storedBytes > size) break;
      end = address + length;
    }
    return end;
  }

  #firstBlock(index: number): number {
    const { entryOffsets, blocks } = this.#segment;
    return index < entryOffsets.length ? entryOffsets[index]! % UNCOMPRESSED : blocks;
  }
}

/** @throws VmcoreError ERR_VMCORE_CORRUPT where entries do not lie one behind the other within the segment. */
export function entriesOf(segment: StoredSegment): SegmentEntries {
  const { source, entrySize } = segment;
  const entries = new SegmentEntries(segment);
  for (let i = 0; i < entries.count; i++) {
    const { address, length, offset, storedBytes, isCompressed } = entries.at(i);
    const least = isCompressed ? 1 : length;
    if (storedBytes >= least && storedBytes <= STORED_FACTOR * entrySize) continue;
    const what = `memory at ${hex(address)}, ${length} bytes of it, can't be stored in ${storedBytes} bytes`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `${source.name}: ${what}`, {
      file: source.name,
      address,
      offset,
    });
  }
  return entries;
}

/** Reads entries of a file, one at a time. */
export class EntryReader {
  readonly #source: ByteSource;
  readonly #codec: PageCodec = codec('zlib');
  #stored = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Fills `into`, which is as long as the entry. @throws VmcoreError ERR_VMCORE_CORRUPT, and what reading throws. */
  load(entry: Entry, into: Uint8Array): void {
    const { address, offset, storedBytes, isCompressed } = entry;
    if (!isCompressed) {
      this.#source.read(offset, into);
      return;
    }
    if (this.#stored.length < storedBytes) this.#stored = new Uint8Array(storedBytes);
    const stored = this.#stored.subarray(0, storedBytes);
    this.#source.read(offset, stored);
    try {
      this.#codec.decompress(stored, into);
    } catch (cause) {
      if (!isVmcoreError(cause)) throw cause;
      const { name } = this.#source;
      const what = `memory at ${hex(address)} can't be decompressed: ${cause.message}`;
      throw new VmcoreError('ERR_VMCORE_CORRUPT', `${name}: ${what}`, { file: name, address, offset, cause });
    }
  }
}
