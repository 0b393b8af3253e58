import { closeSync, constants, fstatSync, openSync, type Stats, statfsSync } from 'node:fs';
import type { NativeSource } from '../../types/native.d.ts';
import { VmcoreError } from '../errors.ts';
import { addressSpaceLimit, holdAddressSpace } from './address-space-limit.ts';
import { type ByteSource, requireRange } from './byte-source.ts';
import { type AccessCounters, addCounters, NO_CALLS, readCounters } from './counters.ts';
import { native } from './native.ts';
import { DEFAULT_PAGE_TABLE_BUDGET, holdPageTableBudget } from './page-table-budget.ts';
import { gatherByReading, type Parts } from './parts.ts';
import { MappedRegion, type Region } from './region.ts';
import type { SourceCalls } from './source-calls.ts';

/** Type of a proc file system in statfs(2): PROC_SUPER_MAGIC (include/uapi/linux/magic.h). */
const PROC_SUPER_MAGIC = 0x9fa0;

/** A FileSource for another thread: descriptors belong to the process. The thread that opened it closes it last. */
export interface SharedFile {
  readonly kind: 'file';
  readonly fd: number;
  readonly name: string;
  /** As it was when it was opened: the file may have lost its end since then. */
  readonly size: number;
  readonly mapping: 'lazy' | 'eager' | 'none';
  readonly pageTableBudget: number;
}

/** A core in a file, or behind a descriptor that the caller keeps. */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly mapping: 'lazy' | 'eager' | 'none';
  readonly mapFailures: Record<string, number> = {};
  readonly #fd: number;
  readonly #owned: boolean;
  readonly #native: NativeSource;
  readonly #addressSpace = addressSpaceLimit();
  readonly #pageTableBudget: number;
  /** Calls of other threads. */
  #otherCalls = NO_CALLS;
  #open = true;

  /**
   * `pageTableBudget` is what the page tables of all mappings of the process may take, in bytes; it is held where
   * mapping fills them at once.
   * @throws VmcoreError ERR_VMCORE_OPEN: the message says why, `cause` has the system's error.
   */
  constructor(target: string | number | SharedFile, pageTableBudget = DEFAULT_PAGE_TABLE_BUDGET) {
    this.#owned = typeof target === 'string';
    const file = typeof target === 'object' ? target : openTarget(target, pageTableBudget);
    this.#fd = file.fd;
    this.name = file.name;
    this.size = file.size;
    this.mapping = file.mapping;
    this.#pageTableBudget = file.pageTableBudget;
    try {
      this.#native = native().source(this.#fd);
    } catch (error) {
      if (this.#owned) closeSync(this.#fd);
      throw error;
    }
  }

  get shared(): SharedFile {
    const { name, size, mapping } = this;
    return { kind: 'file', fd: this.#fd, name, size, mapping, pageTableBudget: this.#pageTableBudget };
  }

  read(position: number, into: Uint8Array): void {
    this.#requireOpen();
    requireRange(this, position, into.length);
    for (let done = 0; done < into.length; ) {
      const count = this.#pread(position + done, into, done);
      if (count === 0) {
        throw new VmcoreError(
          'ERR_VMCORE_TRUNCATED',
          `${this.name}: ends at offset ${position + done} while it is read`,
          {
            file: this.name,
            offset: position + done,
          },
        );
      }
      done += count;
    }
  }

  /** What can't be read whole is read again, so that it fails where it does. */
  gather(position: number, parts: Parts, into: Uint8Array): void {
    this.#requireOpen();
    requireRange(this, position, parts.span);
    const { lengths, count } = parts;
    const isWhole = this.#call(position, () => this.#native.gather(position, lengths, count, into));
    if (!isWhole) gatherByReading(this, position, parts, into);
  }

  map(position: number, length: number): Region {
    this.#requireOpen();
    const end = Math.min(position + length, this.size);
    const { pageSize } = native();
    const mapped = Math.ceil((end - position) / pageSize) * pageSize;
    try {
      if (this.mapping === 'eager') holdPageTableBudget(mapped, this.#pageTableBudget);
      holdAddressSpace(mapped, this.#addressSpace);
      return new MappedRegion(this.#native.map(position, mapped), position, end, this.name);
    } catch (cause) {
      countFailure(this.mapFailures, cause);
      throw new VmcoreError(
        'ERR_VMCORE_IO',
        `${this.name}: ${mapped} bytes at offset ${position} can't be mapped`,
        {
          file: this.name,
          offset: position,
          cause,
        },
      );
    }
  }

  checkLength(end: number): void {
    const { size } = this.#call(end, () => fstatSync(this.#fd));
    if (size >= end) return;
    throw new VmcoreError(
      'ERR_VMCORE_FAULT',
      `${this.name}: was cut off to ${size} bytes while it was read`,
      { file: this.name, offset: size },
    );
  }

  counters(): AccessCounters {
    return addCounters(readCounters(this.#native), this.#otherCalls);
  }

  addCalls({ counters, mapFailures }: SourceCalls): void {
    this.#otherCalls = addCounters(this.#otherCalls, counters);
    for (const [reason, count] of Object.entries(mapFailures)) {
      this.mapFailures[reason] = (this.mapFailures[reason] ?? 0) + count;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#owned) closeSync(this.#fd);
  }

  #pread(position: number, into: Uint8Array, offset: number): number {
    return this.#call(position, () => this.#native.pread(into, offset, into.length - offset, position));
  }

  #call<T>(position: number, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw new VmcoreError(
        'ERR_VMCORE_IO',
        `${this.name}: reading at offset ${position} failed (${codeOf(cause)})`,
        {
          file: this.name,
          offset: position,
          cause,
        },
      );
    }
  }

  #requireOpen(): void {
    if (!this.#open)
      throw new VmcoreError('ERR_VMCORE_CLOSED', `${this.name} was closed`, { file: this.name });
  }
}

/** A file by its path, or what lies behind a descriptor. */
function openTarget(target: string | number, pageTableBudget: number): SharedFile {
  const name = typeof target === 'string' ? target : `descriptor ${target}`;
  const fd = typeof target === 'string' ? openFile(target) : target;
  try {
    const { size } = statFile(fd, name);
    return { kind: 'file', fd, name, size, mapping: isOnProc(fd) ? 'eager' : 'lazy', pageTableBudget };
  } catch (error) {
    if (fd !== target) closeSync(fd);
    throw error;
  }
}

function openFile(path: string): number {
  try {
    // A FIFO would block the open until somebody writes.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new VmcoreError(
      'ERR_VMCORE_OPEN',
      `${path}: ${OPEN_ADVICE[codeOf(cause)] ?? `can't be opened (${codeOf(cause)})`}`,
      {
        file: path,
        cause,
      },
    );
  }
}

const OPEN_ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied; /proc/vmcore and most saved cores are readable by root only',
  ELOOP: 'too many symbolic links',
};

function statFile(fd: number, name: string): Stats {
  let stats: Stats;
  try {
    stats = fstatSync(fd);
  } catch (cause) {
    throw new VmcoreError('ERR_VMCORE_OPEN', `${name}: is no open descriptor (${codeOf(cause)})`, {
      file: name,
      cause,
    });
  }
  if (stats.isFile()) return stats;
  const kind = stats.isDirectory()
    ? 'a directory'
    : stats.isFIFO() || stats.isSocket()
      ? 'a pipe or socket'
      : 'a device';
  throw new VmcoreError('ERR_VMCORE_OPEN', `${name}: is ${kind}, not a core file`, { file: name });
}

/** What is mapped of a file there is mapped by its driver, at once: /proc/vmcore (fs/proc/vmcore.c). */
function isOnProc(fd: number): boolean {
  try {
    return statfsSync(`/proc/self/fd/${fd}`).type === PROC_SUPER_MAGIC;
  } catch {
    return false;
  }
}

/** Counts the error of a failed map by the system's reason. */
export function countFailure(failures: Record<string, number>, cause: unknown): void {
  const reason = codeOf(cause);
  failures[reason] = (failures[reason] ?? 0) + 1;
}

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
