import { isLostData, isVmcoreError } from '../errors.ts';
import { type ByteSource, requireRange } from './byte-source.ts';
import { type CopiedRanges, isCopied } from './copied-ranges.ts';
import { countFailure } from './file-source.ts';
import { type MapBorders, stretchAround } from './map-borders.ts';
import { MemoryRegion, type Region, type Window } from './region.ts';

/** How bytes of a source are reached: mapped, read, or mapped where that works. */
export type AccessPolicy = 'auto' | 'mmap' | 'read';

export interface SlotOptions {
  /** Number of regions that are kept. */
  readonly slots: number;
  /** Length of a region in bytes, a power of two and at least the host's page size: regions lie on this grid. */
  readonly regionBytes: number;
  /** Length of a region that is read instead of mapped, a power of two at most `regionBytes`. */
  readonly readBytes: number;
  readonly policy: AccessPolicy;
  /** What a mapped region is cut off at. */
  readonly borders?: MapBorders | undefined;
  /** What is never mapped. */
  readonly copied?: CopiedRanges | undefined;
}

/** How the slots did. */
export interface SlotCounters {
  /** Reads that a region in a slot served, misses that needed a new one, and regions given up for these. */
  hits: number;
  misses: number;
  evictions: number;
  /** Maps that failed, so that the range was mapped smaller or read, by the system's reason such as ENOMEM. */
  readonly failures: Record<string, number>;
}

/** A failed map is tried again with half the length down to this many bytes, then read. */
const SMALLEST_MAP = 64 << 10;
/** A failed read is tried again with half the length down to this many bytes: the rest can be read. */
const SMALLEST_READ = 4 << 10;

/**
 * A fixed number of slots, each owning a region of one source on an aligned grid. A region begins in the middle of the
 * order of use, and comes to its front only when it is used again after another one was: a long scan, which uses each
 * region once, replaces half of the slots over and over and leaves the other half alone. The last in the order is
 * replaced, its region released: a window of it is empty from then on, or has other bytes, so a window must not be kept
 * across calls.
 */
export class Slots {
  readonly counters: SlotCounters = { hits: 0, misses: 0, evictions: 0, failures: {} };
  readonly #source: ByteSource;
  #options: SlotOptions;
  /** In the order of use: the last one is replaced next. */
  readonly #regions: Region[] = [];
  /** What was read into memory of its own, which the next one takes over: new memory costs as much as the read. */
  readonly #buffers = new Map<Region, Uint8Array>();
  #free: Uint8Array | undefined;
  /** The region that was used last. */
  #current: Region | undefined;
  /** No read is longer: twice the last one, so that a stretch that is lost fails once for each of the smallest. */
  #longestRead = Number.POSITIVE_INFINITY;

  constructor(source: ByteSource, options: SlotOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** The window that holds `position` (below the source's size). Valid until the next call. */
  window(position: number): Window {
    return this.#find(position).window(position);
  }

  /** Copies the bytes from `position` on. @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_IO, ERR_VMCORE_FAULT. */
  read(position: number, into: Uint8Array): void {
    requireRange(this.#source, position, into.length);
    for (let done = 0; done < into.length; ) {
      const at = position + done;
      const region = this.#find(at);
      const window = region.window(at);
      const length = Math.min(into.length - done, window.end - at);
      into.set(window.bytes.subarray(at - window.start, at - window.start + length), done);
      region.check();
      done += length;
      // Bytes that are lost without a fault are zeros, up to the end.
      const mayBeLost = region.isMapped && done === into.length && into[done - 1] === 0;
      if (mayBeLost) this.#source.checkLength(position + done);
    }
  }

  /** @throws VmcoreError ERR_VMCORE_FAULT when a region that is held now was hit by SIGBUS, or lost its end. */
  check(): void {
    for (const region of this.#regions) region.check();
    const mapped = this.#regions.filter((region) => region.isMapped);
    if (mapped.length > 0) this.#source.checkLength(Math.max(...mapped.map((region) => region.end)));
  }

  /** Goes on with other regions; those that are held are given up. */
  resize(options: SlotOptions): void {
    this.release();
    this.#options = options;
  }

  release(): void {
    this.#current = undefined;
    for (const region of this.#regions.splice(0)) this.#giveUp(region);
    this.#free = undefined;
  }

  #find(position: number): Region {
    const current = this.#current;
    if (current && position >= current.start && position < current.end) {
      this.counters.hits++;
      return current;
    }
    const regions = this.#regions;
    for (let i = 0; i < regions.length; i++) {
      const region = regions[i]!;
      if (position < region.start || position >= region.end) continue;
      this.counters.hits++;
      regions.copyWithin(1, 0, i);
      regions[0] = region;
      this.#current = region;
      return region;
    }
    return this.#miss(position);
  }

  #miss(position: number): Region {
    this.counters.misses++;
    if (this.#regions.length >= this.#options.slots) {
      this.counters.evictions++;
      this.#current = undefined;
      this.#giveUp(this.#regions.pop()!);
    }
    const region = this.#acquire(position);
    this.#regions.splice(this.#options.slots >> 1, 0, region);
    this.#current = region;
    return region;
  }

  #giveUp(region: Region): void {
    region.release();
    this.#free = this.#buffers.get(region) ?? this.#free;
    this.#buffers.delete(region);
  }

  #acquire(position: number): Region {
    const { policy, regionBytes, readBytes, copied } = this.#options;
    const mapped =
      policy === 'read' || isCopied(copied, position) ? undefined : this.#map(position, regionBytes);
    if (!mapped) return this.#read(position, readBytes);
    this.#free = undefined;
    return mapped;
  }

  /** Smaller grids on failure: EAGAIN, ENOMEM and EINVAL may be local to part of a range. */
  #map(position: number, regionBytes: number): Region | undefined {
    const stretch = stretchAround(this.#options.borders, position);
    for (let length = regionBytes; length >= Math.min(SMALLEST_MAP, regionBytes); length /= 2) {
      try {
        const cell = position - (position % length);
        const start = Math.max(cell, stretch.start);
        return this.#source.map(start, Math.min(cell + length, stretch.end) - start);
      } catch (error) {
        if (!isVmcoreError(error, 'ERR_VMCORE_IO')) throw error;
        countFailure(this.counters.failures, error.cause);
      }
    }
    return undefined;
  }

  #read(position: number, readBytes: number): Region {
    // Where a read fails it is there for the next one.
    this.#free ??= new Uint8Array(Math.min(readBytes, this.#source.size));
    const buffer = this.#free;
    for (let length = Math.min(readBytes, this.#longestRead); ; length /= 2) {
      this.#longestRead = 2 * length;
      try {
        const region = readRegion(this.#source, position, length, buffer);
        this.#buffers.set(region, buffer);
        this.#free = undefined;
        return region;
      } catch (error) {
        if (length > SMALLEST_READ && isLostData(error)) continue;
        this.#longestRead = length;
        throw error;
      }
    }
  }
}

/** The grid cell of `length` bytes around `position`, read by pread into `buffer`. */
function readRegion(source: ByteSource, position: number, length: number, buffer: Uint8Array): Region {
  const start = position - (position % length);
  const bytes = buffer.subarray(0, Math.min(length, source.size - start));
  source.read(start, bytes);
  return new MemoryRegion(bytes, start);
}
