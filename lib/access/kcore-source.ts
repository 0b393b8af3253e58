import { readSync } from 'node:fs';
import { VmcoreError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { type AccessCounters, NO_CALLS } from './counters.ts';
import { codeOf } from './file-source.ts';
import { gatherByReading, type Parts } from './parts.ts';
import type { Region } from './region.ts';

/** Memory that lies together in the file. */
export interface KcoreRange {
  /** Physical address of the first byte. */
  readonly start: number;
  /** Physical address behind the last byte. */
  readonly end: number;
  /** File offset of the first byte: in /proc/kcore up to 2 ** 56, beyond what a number holds. */
  readonly offset: bigint;
}

/** The memory of the running kernel: positions are physical addresses. It can't be mapped. */
export class KcoreSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly mapping = 'none';
  readonly mapFailures = {};
  readonly shared = undefined;
  readonly #file: ByteSource;
  readonly #fd: number;
  /** Ascending, disjoint. */
  readonly #ranges: readonly KcoreRange[];
  #preads = 0;
  #preadBytes = 0;
  #preadErrors = 0;

  /** `file` is closed with it; `fd` is its descriptor. */
  constructor(file: ByteSource, fd: number, ranges: readonly KcoreRange[]) {
    this.name = file.name;
    this.size = ranges.at(-1)?.end ?? 0;
    this.#file = file;
    this.#fd = fd;
    this.#ranges = ranges;
  }

  /** What lies between ranges reads as zeros, as it does in the file. */
  read(position: number, into: Uint8Array): void {
    into.fill(0);
    const end = position + into.length;
    for (const range of this.#ranges) {
      if (range.end <= position) continue;
      if (range.start >= end) break;
      const from = Math.max(range.start, position);
      const part = into.subarray(from - position, Math.min(range.end, end) - position);
      this.#pread(range.offset + BigInt(from - range.start), part, from);
    }
  }

  gather(position: number, parts: Parts, into: Uint8Array): void {
    gatherByReading(this, position, parts, into);
  }

  map(position: number, length: number): Region {
    const what = `${length} bytes at ${position} can't be mapped`;
    throw new VmcoreError('ERR_VMCORE_IO', `${this.name}: ${what}`, { file: this.name, offset: position });
  }

  checkLength(): void {}

  counters(): AccessCounters {
    const [preads, preadBytes, preadErrors] = [this.#preads, this.#preadBytes, this.#preadErrors];
    return { ...NO_CALLS, preads, preadBytes, preadErrors };
  }

  addCalls(): void {}

  close(): void {
    this.#file.close();
  }

  #pread(offset: bigint, into: Uint8Array, address: number): void {
    for (let done = 0; done < into.length; ) {
      const count = this.#readSome(offset + BigInt(done), into.subarray(done), address + done);
      this.#preads++;
      this.#preadBytes += count;
      if (count > 0) done += count;
      else throw this.#failure(address + done, 'it ends there');
    }
  }

  #readSome(offset: bigint, into: Uint8Array, address: number): number {
    try {
      return readSync(this.#fd, into, 0, into.length, offset);
    } catch (cause) {
      this.#preadErrors++;
      throw this.#failure(address, codeOf(cause), cause);
    }
  }

  #failure(address: number, why: string, cause?: unknown): VmcoreError {
    const message = `${this.name}: reading memory at 0x${address.toString(16)} failed (${why})`;
    return new VmcoreError('ERR_VMCORE_IO', message, { file: this.name, address, cause });
  }
}
