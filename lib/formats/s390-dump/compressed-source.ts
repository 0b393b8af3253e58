import { type ByteSource, requireRange } from '../../access/byte-source.ts';
import { DerivedSource } from '../../access/derived-source.ts';
import { isVmcoreError, type VmcoreError } from '../../errors.ts';
import { type Entry, EntryReader, type SegmentEntries } from './entries.ts';
import type { DumpSegment } from './segments.ts';

/** What a dump with compressed segments consists of. */
export interface CompressedDump {
  readonly file: ByteSource;
  /** Ascending, disjoint. */
  readonly segments: readonly DumpSegment[];
  /** Behind the last byte of memory. */
  readonly memoryEnd: number;
  /** Bytes of memory that are compressed together. */
  readonly entrySize: number;
  /** Whether memory is short. */
  readonly sparing?: boolean | undefined;
}

/** An entry that was decompressed, or why it could not be. */
interface KeptEntry {
  readonly address: number;
  readonly buffer: Uint8Array;
  readonly problem: VmcoreError | undefined;
}

const MIB = 1 << 20;
/** Entries that are kept, in bytes: page tables, struct pages and a few stretches of memory are read by turns. */
const KEPT_BYTES = 4 * MIB;
const SPARING_KEPT_BYTES = MIB;
/** What is there of an entry at most while it is decompressed, in entries: its stream (up to 2), and what it becomes. */
const ENTRIES_IN_WORK = 3;

/**
 * The memory of a stand-alone dump with compressed segments, as plain bytes: the offset of a byte is its physical address.
 * An entry is decompressed as a whole, and the last ones are kept. Where no segment is there are zeros.
 */
export class S390CompressedSource extends DerivedSource {
  readonly size: number;
  /** What it takes of memory, in bytes, at most. */
  readonly heldBytes: number;
  readonly #file: ByteSource;
  readonly #segments: readonly DumpSegment[];
  readonly #entrySize: number;
  readonly #reader: EntryReader;
  readonly #mostKept: number;
  /** The one that was used last first. */
  readonly #kept: KeptEntry[] = [];

  constructor({ file, segments, memoryEnd, entrySize, sparing }: CompressedDump) {
    super([file]);
    this.size = memoryEnd;
    this.#file = file;
    this.#segments = segments;
    this.#entrySize = entrySize;
    this.#reader = new EntryReader(file);
    this.#mostKept = Math.max(1, Math.floor((sparing ? SPARING_KEPT_BYTES : KEPT_BYTES) / entrySize));
    this.heldBytes = (this.#mostKept + ENTRIES_IN_WORK) * entrySize;
  }

  /** @throws VmcoreError ERR_VMCORE_CORRUPT for an entry that is damaged, and what reading the file throws. */
  read(position: number, into: Uint8Array): void {
    requireRange(this, position, into.length);
    const end = position + into.length;
    let at = position;
    for (let i = this.#segmentAt(position); at < end; i++) {
      const segment = this.#segments[i];
      const start = Math.min(segment?.start ?? end, end);
      if (start > at) into.fill(0, at - position, start - position);
      at = Math.max(at, start);
      if (!segment || at === end) return;
      const stop = Math.min(segment.end, end);
      this.#readSegment(segment, at, into.subarray(at - position, stop - position));
      at = stop;
    }
  }

  override close(): void {
    this.#kept.length = 0;
    super.close();
  }

  /** Index of the segment that holds a physical address, or of the first one above it. */
  #segmentAt(address: number): number {
    let [low, high] = [0, this.#segments.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Fills `into` from a physical address on; all of it is in the segment. */
  #readSegment({ start, offset, entries }: DumpSegment, address: number, into: Uint8Array): void {
    if (!entries) this.#file.read(offset + (address - start), into);
    else this.#readEntries(entries, address, into);
  }

  #readEntries(entries: SegmentEntries, address: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const entry = entries.holding(address + done);
      const within = address + done - entry.address;
      const part = into.subarray(done, done + entry.length - within);
      if (entry.isCompressed) part.set(this.#decompressed(entry).subarray(within, within + part.length));
      else this.#file.read(entry.offset + within, part);
      done += part.length;
    }
  }

  #decompressed(entry: Entry): Uint8Array {
    const kept = this.#take(entry.address) ?? this.#load(entry);
    this.#kept.unshift(kept);
    if (kept.problem) throw kept.problem;
    return kept.buffer;
  }

  /** Takes an entry out of those that are kept. */
  #take(address: number): KeptEntry | undefined {
    const index = this.#kept.findIndex((kept) => kept.address === address);
    return index < 0 ? undefined : this.#kept.splice(index, 1)[0];
  }

  /** In the memory of the entry whose use is longest ago. A damaged one is not tried again for each of its pages. */
  #load(entry: Entry): KeptEntry {
    const { address, length } = entry;
    const oldest = this.#kept.length >= this.#mostKept ? this.#kept.pop() : undefined;
    const buffer = oldest?.buffer ?? new Uint8Array(this.#entrySize);
    try {
      this.#reader.load(entry, buffer.subarray(0, length));
      return { address, buffer, problem: undefined };
    } catch (problem) {
      if (!isVmcoreError(problem, 'ERR_VMCORE_CORRUPT')) throw problem;
      return { address, buffer, problem };
    }
  }
}
