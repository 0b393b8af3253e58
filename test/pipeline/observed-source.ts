import { type ByteSource, requireRange } from '../../lib/access/byte-source.ts';
import type { AccessCounters } from '../../lib/access/counters.ts';
import { gatherByReading, type Parts, packParts } from '../../lib/access/parts.ts';
import type { Region, Window } from '../../lib/access/region.ts';
import { VmcoreError } from '../../lib/errors.ts';

/** Windows of it are this short, so that pages lie across their borders. Not a multiple of a page. */
const WINDOW = 10_000;
/** What a window holds once its region is gone. */
const POISON = 0xdd;

/** A source in memory that counts as the addon does, and takes away what is released. */
export class ObservedSource implements ByteSource {
  readonly name = 'observed';
  readonly mapping: ByteSource['mapping'] = 'lazy';
  readonly mapFailures = {};
  readonly shared = undefined;
  readonly size: number;
  readonly bytes: Uint8Array;
  /** Of each map and pread: its length. */
  readonly mapLengths: number[] = [];
  readonly readLengths: number[] = [];
  #unmapBytes = 0;
  #unmaps = 0;
  #mapped = 0;
  #highWater = 0;

  readonly #canMap: boolean;
  readonly #hostPage: number;

  /** `hostPage`: maps must begin at multiples of it, and are as long as so many. */
  constructor(bytes: Uint8Array, canMap = true, hostPage = 4096) {
    this.#canMap = canMap;
    this.#hostPage = hostPage;
    this.bytes = bytes;
    this.size = bytes.length;
  }

  read(position: number, into: Uint8Array): void {
    requireRange(this, position, into.length);
    this.readLengths.push(into.length);
    into.set(this.bytes.subarray(position, position + into.length));
  }

  gather(position: number, parts: Parts, into: Uint8Array): void {
    gatherByReading(this, position, parts, into);
  }

  map(position: number, length: number): Region {
    requireRange(this, position, 1);
    if (!this.#canMap) throw new VmcoreError('ERR_VMCORE_IO', 'no memory for page tables');
    if (position % this.#hostPage !== 0) throw new Error(`map of ${position}+${length}`);
    const mapped = Math.ceil(length / this.#hostPage) * this.#hostPage;
    this.mapLengths.push(mapped);
    this.#mapped += mapped;
    this.#highWater = Math.max(this.#highWater, this.#mapped);
    return this.#region(position, Math.min(position + length, this.size), mapped);
  }

  checkLength(): void {}

  counters(): AccessCounters {
    return {
      maps: this.mapLengths.length,
      mapBytes: sum(this.mapLengths),
      mapErrors: 0,
      unmaps: this.#unmaps,
      unmapBytes: this.#unmapBytes,
      unmapErrors: 0,
      preads: this.readLengths.length,
      preadBytes: sum(this.readLengths),
      preadErrors: 0,
      mapped: this.#mapped,
      mappedHighWater: this.#highWater,
    };
  }

  addCalls(): void {}

  close(): void {}

  #region(start: number, end: number, mapped: number): Region {
    const windows = new Map<number, Window>();
    let held = true;
    return {
      start,
      end,
      isMapped: true,
      window: (position) => {
        if (!held) throw new Error('the region was released');
        const from = position - ((position - start) % WINDOW);
        const to = Math.min(from + WINDOW, end);
        const window = windows.get(from) ?? { start: from, end: to, bytes: this.bytes.slice(from, to) };
        windows.set(from, window);
        return window;
      },
      gather: (position, parts, into) => {
        if (!held || position < start || position + parts.span > end) throw new Error('not in the region');
        packParts(parts, this.bytes, position, into);
      },
      check: () => {},
      release: () => {
        if (!held) return;
        held = false;
        for (const { bytes } of windows.values()) bytes.fill(POISON);
        this.#mapped -= mapped;
        this.#unmaps++;
        this.#unmapBytes += mapped;
      },
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
