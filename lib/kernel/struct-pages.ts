import { WINDOW_BYTES, type Window } from '../access/region.ts';
import type { Slots } from '../access/slots.ts';
import { isLostData, isVmcoreError } from '../errors.ts';
import { type Extents, findExtent } from '../formats/extents.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import type { MemMapRange } from './mem-map.ts';

/** Consecutive struct pages in memory, valid until the next chunk is asked for. */
export interface StructPageChunk {
  readonly firstPfn: number;
  readonly count: number;
  /** 32-bit words in the byte order of this machine, as they lie in the core: a big-endian core's are swapped. */
  readonly words: Int32Array;
  /** The same memory as bytes. */
  readonly bytes: Uint8Array;
  /** Index in `words` of the first struct page. */
  readonly firstWord: number;
}

/** Struct pages are gathered in groups of so many where they can't be used in place. */
const GATHER_PAGES = 512;
/** Chunks in place end here at the latest, in bytes: as much as one window has. */
const CHUNK_BYTES = WINDOW_BYTES;
/** Memory is mapped in pages of at least this many bytes on every architecture. */
const SMALLEST_PAGE = 4096;

/**
 * Streams the struct pages of a mem_map. Where they lie one after another in the file, as they do below a large page of
 * vmemmap, a chunk is the mapped file itself; else it is copied together. A chunk holds
 * pairs that begin at an even pfn, so that the page behind a compound head is in the head's chunk, except next to
 * struct pages that can't be read.
 */
export class StructPages {
  /** Struct pages that could not be read so far. */
  unreadable = 0;
  readonly #memory: VirtualMemory;
  readonly #extents: Extents;
  readonly #slots: Slots;
  readonly #size: number;
  readonly #gathered: StructPageChunk;

  /** `size` is SIZE(page), a multiple of 8 bytes. `slots` should be used by nothing else. */
  constructor(memory: VirtualMemory, extents: Extents, slots: Slots, size: number) {
    this.#memory = memory;
    this.#extents = extents;
    this.#slots = slots;
    this.#size = size;
    const words = new Int32Array((GATHER_PAGES * size) / 4);
    this.#gathered = { firstPfn: 0, count: 0, words, bytes: new Uint8Array(words.buffer), firstWord: 0 };
  }

  /**
   * The chunks of pfns `from` to `to` - 1 of a range, ascending. Struct pages that can't be read are left out, and it comes
   * back without a chunk for each stretch of them: there may be as many as of the others.
   */
  *chunks(range: MemMapRange, from: number, to: number): Generator<StructPageChunk | undefined> {
    for (let pfn = from; pfn < to; ) {
      const chunk = this.#direct(range, pfn, to) ?? this.#gather(range, pfn, to);
      if (chunk) {
        yield chunk;
        this.#slots.check();
        pfn += chunk.count;
      } else {
        const absent = Math.ceil(this.#absentBytes(this.#address(range, pfn)) / this.#size);
        const skipped = Math.min(absent, to - pfn);
        this.unreadable += skipped;
        pfn += skipped;
        yield undefined;
      }
    }
  }

  /**
   * A copy of the struct pages of `pfn` and, if the range has one, of the page behind it, valid until the next one is asked
   * for; undefined where the first can't be read. Of its own slots it uses none.
   */
  pair(range: MemMapRange, pfn: number): StructPageChunk | undefined {
    return this.#gather(range, pfn, Math.min(pfn + 2, range.endPfn));
  }

  /** Unmaps what the last chunk was part of. */
  release(): void {
    this.#slots.release();
  }

  /** As many struct pages as lie in one window, if they can be used in place. */
  #direct(range: MemMapRange, pfn: number, to: number): StructPageChunk | undefined {
    const offset = this.#fileRun(range, pfn, to);
    if (!offset) return undefined;
    const window = this.#window(offset.start);
    if (!window) return undefined;
    const length = Math.min(offset.end, window.end) - offset.start;
    const address = window.bytes.byteOffset + (offset.start - window.start);
    const count = evenEnd(pfn, Math.floor(length / this.#size), to);
    if (count === 0 || address % 4 !== 0) return undefined;
    const { buffer } = window.bytes;
    const wordCount = (count * this.#size) / 4;
    const words = new Int32Array(buffer, address, wordCount);
    return {
      firstPfn: pfn,
      count,
      words,
      bytes: new Uint8Array(buffer, address, wordCount * 4),
      firstWord: 0,
    };
  }

  /** The file offsets of the struct pages from `pfn` on, as far as memory and file run in parallel. */
  #fileRun(range: MemMapRange, pfn: number, to: number): { start: number; end: number } | undefined {
    const wanted = Math.min((to - pfn) * this.#size, CHUNK_BYTES);
    const address = this.#address(range, pfn);
    const first = this.#translate(address);
    if (!first) return undefined;
    let length = Math.min(first.contiguous, wanted);
    while (length < wanted) {
      const next = this.#translate(address + BigInt(length));
      if (next?.paddr !== first.paddr + length) break;
      length = Math.min(length + next.contiguous, wanted);
    }
    const { start, end, offset, count } = this.#extents;
    const index = findExtent(this.#extents, first.paddr);
    if (index >= count || start[index]! > first.paddr || offset[index]! < 0) return undefined;
    const fileStart = offset[index]! + (first.paddr - start[index]!);
    return { start: fileStart, end: fileStart + Math.min(length, end[index]! - first.paddr) };
  }

  #window(position: number): Window | undefined {
    try {
      return this.#slots.window(position);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  #translate(address: bigint): { paddr: number; contiguous: number } | undefined {
    try {
      return this.#memory.addressSpace.translate(address);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Copies up to a group together, or what can be read of it: page by page, because one that is absent ends it. */
  #gather(range: MemMapRange, pfn: number, to: number): StructPageChunk | undefined {
    const address = this.#address(range, pfn);
    const wanted = Math.min(GATHER_PAGES, to - pfn) * this.#size;
    let there = 0;
    while (there < wanted) {
      const at = address + BigInt(there);
      const end = Math.min(there + restOf(at, SMALLEST_PAGE), wanted);
      if (!this.#read(at, this.#gathered.bytes.subarray(there, end))) break;
      there = end;
    }
    const pages = Math.floor(there / this.#size);
    if (pages === 0) return undefined;
    return { ...this.#gathered, firstPfn: pfn, count: Math.max(1, evenEnd(pfn, pages, to)) };
  }

  /** Whether all of it is there. */
  #read(address: bigint, into: Uint8Array): boolean {
    try {
      this.#memory.read(address, into);
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }

  /** How many bytes from `address` on are absent together: all that are not mapped or not in the core, or a page that was lost. */
  #absentBytes(address: bigint): number {
    const translated = this.#translate(address);
    if (!translated) return this.#unmappedBytes(address);
    const { paddr, contiguous } = translated;
    const { start, end, offset, count } = this.#extents;
    const index = findExtent(this.#extents, paddr);
    let absent = 0;
    if (index >= count) absent = contiguous;
    else if (start[index]! > paddr) absent = start[index]! - paddr;
    else if (offset[index]! < 0) absent = end[index]! - paddr;
    return Math.max(restOf(address, SMALLEST_PAGE), Math.min(absent, contiguous));
  }

  /** As far as the entry goes that maps nothing. */
  #unmappedBytes(address: bigint): number {
    let bytes = SMALLEST_PAGE;
    try {
      for (const step of this.#memory.addressSpace.walk(address))
        if (step.kind === 'none') bytes = Math.max(bytes, step.bytes);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
    return restOf(address, bytes);
  }

  #address(range: MemMapRange, pfn: number): bigint {
    return range.address + BigInt((pfn - range.firstPfn) * this.#size);
  }
}

/** Not mapped, not in the core, or not readable there. */
function isAbsent(error: unknown): boolean {
  return isVmcoreError(error, 'ERR_VMCORE_UNMAPPED') || isLostData(error);
}

/** Bytes from `address` to the end of what is aligned to `bytes` around it. */
function restOf(address: bigint, bytes: number): number {
  return bytes - Number(address % BigInt(bytes));
}

/** `count` less one where the chunk would end behind an even pfn, between a head and its second page; never beyond `to`. */
function evenEnd(pfn: number, count: number, to: number): number {
  return pfn + count >= to ? to - pfn : Math.max(0, count - ((pfn + count) % 2));
}
