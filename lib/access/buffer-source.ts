import { VmcoreError } from '../errors.ts';
import { type ByteSource, requireRange } from './byte-source.ts';
import { type AccessCounters, NO_CALLS } from './counters.ts';
import { type Parts, packParts } from './parts.ts';
import { MemoryRegion, type Region } from './region.ts';

/** A core that is in memory already. */
export class BufferSource implements ByteSource {
  readonly name = 'buffer';
  readonly size: number;
  readonly mapping = 'memory';
  readonly mapFailures = {};
  /** Its memory belongs to this thread: another one could only have a copy. */
  readonly shared = undefined;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  read(position: number, into: Uint8Array): void {
    requireRange(this, position, into.length);
    this.#requireBytes();
    into.set(this.#bytes.subarray(position, position + into.length));
  }

  gather(position: number, parts: Parts, into: Uint8Array): void {
    requireRange(this, position, parts.span);
    this.#requireBytes();
    packParts(parts, this.#bytes, position, into);
  }

  map(position: number, length: number): Region {
    this.#requireBytes();
    return new MemoryRegion(this.#bytes.subarray(position, Math.min(position + length, this.size)), position);
  }

  /** A region of it knows when its memory is gone. */
  checkLength(): void {}

  counters(): AccessCounters {
    return NO_CALLS;
  }

  addCalls(): void {}

  close(): void {}

  /** Who made the buffer can transfer it to another thread. */
  #requireBytes(): void {
    if (this.#bytes.length === this.size) return;
    throw new VmcoreError('ERR_VMCORE_FAULT', 'the buffer that holds the core was transferred away', {
      file: this.name,
    });
  }
}
