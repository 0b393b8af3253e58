import { VmcoreError } from '../errors.ts';
import type { AccessCounters } from './counters.ts';
import type { SharedFile } from './file-source.ts';
import type { Parts } from './parts.ts';
import type { Region } from './region.ts';
import type { SourceCalls } from './source-calls.ts';

/** The bytes of one file, descriptor or Buffer, at file offsets 0 to `size`. */
export interface ByteSource {
  /** What errors call it: a path, or a description. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /**
   * What a map costs: nothing because it is memory already (`memory`), page tables as pages are touched (`lazy`, a
   * regular file), all page tables at once (`eager`, /proc/vmcore), or it can't be mapped (`none`).
   */
  readonly mapping: 'memory' | 'lazy' | 'eager' | 'none';
  /**
   * Fills `into` from file offset `position` on.
   * @throws VmcoreError ERR_VMCORE_TRUNCATED when the source ends before, ERR_VMCORE_IO when reading fails.
   */
  read(position: number, into: Uint8Array): void;
  /**
   * Reads what `parts` wants of the bytes from file offset `position` on, by one call where nothing fails, to the beginning
   * of `into`. That is as long as all parts: what comes behind the wanted ones is undefined.
   * @throws VmcoreError as read() does.
   */
  gather(position: number, parts: Parts, into: Uint8Array): void;
  /**
   * Maps `length` bytes from `position` on, clamped to the end of the source. `position` is a multiple of the host's
   * page size.
   * @throws VmcoreError ERR_VMCORE_IO when the range can't be mapped: it may still be readable.
   */
  map(position: number, length: number): Region;
  /**
   * To be called beside Region.check(), before anything made of mapped bytes up to `end` leaves: what a page has behind
   * a new end of the file reads as zeros, without a fault.
   * @throws VmcoreError ERR_VMCORE_FAULT when the source ends before `end`.
   */
  checkLength(end: number): void;
  /** Counts of the calls made on it so far, and what is mapped now. */
  counters(): AccessCounters;
  /** How many maps failed so far, by the system's reason such as ENOMEM, or BUDGET. */
  readonly mapFailures: Readonly<Record<string, number>>;
  /** What another thread reaches the same bytes by; undefined where only this one can. */
  readonly shared: SharedSource | undefined;
  /** Counts calls that other threads made on the same bytes; `mappedHighWater` is the most that all of them mapped. */
  addCalls(calls: SourceCalls): void;
  /** Idempotent. Regions must be released before. */
  close(): void;
}

/** What another thread opens a source by (see reopenSource()): no more than a message can carry. */
export type SharedSource = SharedFile;

/** @throws VmcoreError ERR_VMCORE_TRUNCATED unless the source holds [position, position + length). */
export function requireRange(source: ByteSource, position: number, length: number): void {
  if (position >= 0 && position + length <= source.size) return;
  throw new VmcoreError(
    'ERR_VMCORE_TRUNCATED',
    `${source.name}: ${length} bytes at offset ${position} lie beyond its end (${source.size} bytes); the file is cut off`,
    { file: source.name, offset: position },
  );
}
