import type { NativeRegion } from '../../types/native.d.ts';
import { VmcoreError } from '../errors.ts';
import { type Parts, packParts } from './parts.ts';

/**
 * A window is at most this long, in bytes: V8 accounts external memory, and larger ones cost it full collections
 * (docs/design.md, Mappings).
 */
export const WINDOW_BYTES = 16 << 20;

/** Part of a region as bytes. Valid until the region is released; then `bytes` is empty. */
export interface Window {
  /** File offset of the first byte. */
  readonly start: number;
  /** File offset behind the last byte. */
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** Bytes [start, end) of a source that are in memory until `release()`. */
export interface Region {
  readonly start: number;
  readonly end: number;
  /** Whether its bytes are those of a mapped file, which can lose them. */
  readonly isMapped: boolean;
  /** The window that holds file offset `position`; start <= position < end. */
  window(position: number): Window;
  /** Fills the beginning of `into` with what `parts` wants from file offset `position` on; it lies in the region. */
  gather(position: number, parts: Parts, into: Uint8Array): void;
  /**
   * To be called after bytes were consumed and before anything made of them leaves.
   * @throws VmcoreError ERR_VMCORE_FAULT when some of them could not be read (SIGBUS).
   */
  check(): void;
  /** Idempotent. @throws VmcoreError ERR_VMCORE_IO when a map can't be removed now: it may be tried again. */
  release(): void;
}

/** What it is when bytes of a mapped region can't be had: a SIGBUS here, or EFAULT where the kernel was to take them. */
export function faultError(
  source: string,
  { start, end }: Pick<Region, 'start' | 'end'>,
  cause?: unknown,
): VmcoreError {
  return new VmcoreError(
    'ERR_VMCORE_FAULT',
    `${source}: bytes between offsets ${start} and ${end} could not be read from the mapping; ` +
      'the file was cut off or its device failed while it was read',
    { file: source, offset: start, cause },
  );
}

/** A region that one mmap covers. */
export class MappedRegion implements Region {
  readonly start: number;
  readonly end: number;
  readonly isMapped = true;
  readonly #native: NativeRegion;
  readonly #source: string;
  readonly #windows: (Window | undefined)[];

  constructor(native: NativeRegion, start: number, end: number, source: string) {
    this.start = start;
    this.end = end;
    this.#native = native;
    this.#source = source;
    this.#windows = new Array(Math.ceil((end - start) / WINDOW_BYTES)).fill(undefined);
  }

  window(position: number): Window {
    const index = Math.floor((position - this.start) / WINDOW_BYTES);
    const known = this.#windows[index];
    if (known) return known;
    const start = this.start + index * WINDOW_BYTES;
    const end = Math.min(start + WINDOW_BYTES, this.end);
    const window = {
      start,
      end,
      bytes: new Uint8Array(this.#native.window(start - this.start, end - start)),
    };
    this.#windows[index] = window;
    return window;
  }

  gather(position: number, { lengths, count }: Parts, into: Uint8Array): void {
    this.#native.gather(position - this.start, lengths, count, into);
  }

  check(): void {
    if (this.#native.faulted) throw faultError(this.#source, this);
  }

  release(): void {
    try {
      this.#native.unmap();
    } catch (cause) {
      const message = `${this.#source}: the map of offsets ${this.start} to ${this.end} could not be removed`;
      throw new VmcoreError('ERR_VMCORE_IO', message, { file: this.#source, offset: this.start, cause });
    }
    this.#windows.fill(undefined);
  }
}

/** A region whose bytes are ordinary memory: a Buffer, or what pread filled. */
export class MemoryRegion implements Region {
  readonly start: number;
  readonly end: number;
  readonly isMapped = false;
  readonly #window: Window;

  constructor(bytes: Uint8Array, start: number) {
    this.start = start;
    this.end = start + bytes.length;
    this.#window = { start, end: this.end, bytes };
  }

  window(): Window {
    this.check();
    return this.#window;
  }

  gather(position: number, parts: Parts, into: Uint8Array): void {
    packParts(parts, this.window().bytes, position - this.start, into);
  }

  check(): void {
    if (this.#window.bytes.length === this.end - this.start) return;
    const message = `the buffer of bytes ${this.start} to ${this.end} was transferred away while it was read`;
    throw new VmcoreError('ERR_VMCORE_FAULT', message, { offset: this.start });
  }

  release(): void {}
}
