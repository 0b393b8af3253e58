import { isVmcoreError } from '../../errors.ts';
import type { VirtualMemory } from '../../memory/virtual.ts';

/** What reading a log needs of kernel virtual memory. */
export type LogMemory = Pick<VirtualMemory, 'read' | 'u32' | 'u64' | 'littleEndian'>;

const CHUNK_BYTES = 1 << 16;
/** The smallest page of any architecture: an unreadable page costs no more of the log than this around it. */
const PAGE_BYTES = 4096;
const VADDR_END = 1n << 64n;

/**
 * A ring or array of the log, read in large chunks and mostly in order. It may be damaged: parts that cannot be read
 * are absent, and nothing is allocated for its claimed length.
 */
export class LogArea {
  readonly length: number;
  readonly #memory: LogMemory;
  readonly #base: bigint;
  /** The area's first byte within its page: chunks and pages lie on the grid of addresses, not of offsets. */
  readonly #skew: number;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  readonly #readable = new Uint8Array(CHUNK_BYTES / PAGE_BYTES);
  #loaded = -1;

  constructor(memory: LogMemory, base: bigint, length: number) {
    this.#memory = memory;
    this.#base = base;
    this.#skew = Number(base % BigInt(PAGE_BYTES));
    this.length = length;
  }

  /** Bytes that are valid until the next call; undefined where the area ends before or cannot be read. */
  bytes(offset: number, length: number): Uint8Array | undefined {
    if (offset < 0 || offset + length > this.length) return undefined;
    const start = (offset + this.#skew) % CHUNK_BYTES;
    if (start + length > CHUNK_BYTES) return this.#assemble(offset, length, CHUNK_BYTES - start);
    this.#load(Math.floor((offset + this.#skew) / CHUNK_BYTES));
    const lastPage = Math.floor((start + length - 1) / PAGE_BYTES);
    for (let page = Math.floor(start / PAGE_BYTES); page <= lastPage; page++) {
      if (!this.#readable[page]) return undefined;
    }
    return this.#chunk.subarray(start, start + length);
  }

  /** The same as a DataView. */
  view(offset: number, length: number): DataView | undefined {
    const bytes = this.bytes(offset, length);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  /** The offset where the page of `offset` ends, or the area. */
  pageEnd(offset: number): number {
    const position = offset + this.#skew;
    return Math.min(this.length, position - (position % PAGE_BYTES) + PAGE_BYTES - this.#skew);
  }

  /** A range that crosses chunks. */
  #assemble(offset: number, length: number, firstLength: number): Uint8Array | undefined {
    const first = this.bytes(offset, firstLength)?.slice();
    const rest = first && this.bytes(offset + firstLength, length - firstLength);
    if (!rest) return undefined;
    const whole = new Uint8Array(length);
    whole.set(first);
    whole.set(rest, firstLength);
    return whole;
  }

  #load(chunk: number): void {
    if (chunk === this.#loaded) return;
    this.#loaded = chunk;
    const begin = chunk * CHUNK_BYTES;
    if (this.#fill(begin, begin, begin + CHUNK_BYTES)) {
      this.#readable.fill(1);
      return;
    }
    for (let page = 0; page < this.#readable.length; page++) {
      const from = begin + page * PAGE_BYTES;
      this.#readable[page] = this.#fill(begin, from, from + PAGE_BYTES) ? 1 : 0;
    }
  }

  /** Reads positions [from, to) of the grid, as far as they belong to the area, into the chunk that starts at `begin`. */
  #fill(begin: number, from: number, to: number): boolean {
    const first = Math.max(from, this.#skew);
    const end = Math.min(to, this.#skew + this.length);
    if (first >= end) return true;
    const vaddr = this.#base + BigInt(first - this.#skew);
    if (vaddr + BigInt(end - first) > VADDR_END) return false;
    return tryRead(this.#memory, vaddr, this.#chunk.subarray(first - begin, end - begin));
  }
}

/** False when the memory is not there. Errors that are not about this memory pass. */
function tryRead(memory: LogMemory, vaddr: bigint, into: Uint8Array): boolean {
  try {
    memory.read(vaddr, into);
    return true;
  } catch (error) {
    if (!isVmcoreError(error) || isVmcoreError(error, 'ERR_VMCORE_CLOSED')) throw error;
    return false;
  }
}
