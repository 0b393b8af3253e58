import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VmcoreError } from '../errors.ts';
import { openError, outputError, readBackError, syncError, systemCode, writeError } from './file-errors.ts';
import type { AbortMode, Sink } from './sink.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** Readable and writable by its owner only: a dump holds everything that the machine knew. */
const MODE = 0o600;

const RESERVE_PIECE = 1024 * 1024;

/**
 * What was written is on the disk before more than twice this part of the free memory waits for it, in bytes. The kernel
 * stops who writes at 15 % of it (mm/page-writeback.c: dirty_background_ratio 10, dirty_ratio 20), and where the disk is
 * gone it never lets him go on: an error is told by fdatasync(2) before that.
 */
const UNSYNCED_SHARE = 1 / 32;
const [LEAST_UNSYNCED, MOST_UNSYNCED] = [2 * 1024 * 1024, 256 * 1024 * 1024];

export interface FileSinkOptions {
  /**
   * Replace a file that exists, and write to a character device such as /dev/null. The new file is written beside the
   * old one, which stays as it is until the new one is complete.
   */
  readonly force?: boolean | undefined;
}

/** The part of a FileHandle that is used, so that tests can inject faults. @internal */
export type OutputHandle = Pick<FileHandle, 'read' | 'write' | 'datasync' | 'truncate' | 'close'>;

/** How the output lies in its directory. */
interface Placement {
  /** The name it will have when it is complete. */
  readonly path: string;
  /** The name it has until then; the same unless it replaces another file. */
  readonly writtenAs: string;
  readonly device: boolean;
}

/**
 * A regular file, new and private to its owner, or a character device.
 *
 * Without `force` the file is created under its own name. With it, and when there is such a file already, it is
 * written as `NAME.incomplete-XXXXXXXX` in the same directory and renamed over the old one at the end. Until then, and
 * for ever after an abort, the old file is untouched: what an abort keeps stays under the name it was written as.
 */
export class FileSink implements Sink {
  readonly canReserve = true;
  readonly file: string;
  readonly #handle: OutputHandle;
  readonly #placement: Placement;
  readonly #unsyncedLimit = unsyncedLimit();
  #bytesWritten = 0;
  #size = 0;
  /** Bytes that were written since fdatasync(2) was called last, and that call. */
  #unsynced = 0;
  /** Where the first of them lies: what is before is on the disk when that call has worked. */
  #unsyncedFrom = 0;
  #syncing: Promise<void> = Promise.resolve();
  #closed = false;
  /** finish() or abort() came to its end. */
  #ended = false;

  /**
   * Creates the file, empty.
   *
   * @throws VmcoreError ERR_VMCORE_EXISTS when there is something of this name that may not be replaced: without
   *   `force` anything, with it a symbolic link; ERR_VMCORE_NO_SPACE, ERR_VMCORE_OUTPUT when it can't be created.
   */
  static async create(path: string, options: FileSinkOptions = {}): Promise<FileSink> {
    const placement = await place(path, options.force ?? false);
    const flags = placement.device ? O_WRONLY | O_NOFOLLOW : O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    try {
      return new FileSink(await open(placement.writtenAs, flags, MODE), placement);
    } catch (error) {
      throw openError(placement.writtenAs, error);
    }
  }

  /** @internal */
  constructor(handle: OutputHandle, placement: Placement) {
    this.file = placement.path;
    this.#handle = handle;
    this.#placement = placement;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  get size(): number {
    return this.#size;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      done += await this.#writeSome(bytes, done, position + done);
    }
    this.#unsynced += bytes.length;
    this.#unsyncedFrom = Math.min(this.#unsyncedFrom, position);
    if (this.#unsynced >= this.#unsyncedLimit) await this.#syncBehind();
  }

  /** Writes zeros: node has no fallocate(2), and a hole would take blocks only when it is too late. */
  async reserve(position: number, length: number): Promise<void> {
    const zeros = new Uint8Array(Math.min(length, RESERVE_PIECE));
    for (let done = 0; done < length; done += zeros.length) {
      await this.write(position + done, zeros.subarray(0, length - done));
    }
  }

  async readBack(position: number, into: Uint8Array): Promise<boolean> {
    if (this.#placement.device) return false;
    for (let done = 0; done < into.length; ) {
      done += await this.#readSome(into, done, position + done);
    }
    return true;
  }

  async sync(): Promise<void> {
    await this.#syncing;
    await this.#sync();
  }

  async finish(position: number, bytes: Uint8Array): Promise<void> {
    await this.sync();
    await this.write(position, bytes);
    await this.sync();
    await this.#publish();
  }

  async abort(mode: AbortMode, end = this.#size): Promise<string | undefined> {
    if (this.#ended) return undefined;
    this.#ended = true;
    const { writtenAs, device } = this.#placement;
    if (mode === 'keep' && !device) await this.#cutOff(end);
    await step(writtenAs, 'could not be closed', this.#close());
    if (device) return undefined;
    if (mode === 'keep') return writtenAs;
    await step(writtenAs, 'could not be removed', unlink(writtenAs));
    return undefined;
  }

  /** One write(2): the system may take less than all, and then has the error ready for the rest. */
  async #writeSome(bytes: Uint8Array, from: number, position: number): Promise<number> {
    try {
      const { bytesWritten } = await this.#handle.write(bytes, from, bytes.length - from, position);
      if (bytesWritten === 0) throw new Error('nothing was written');
      this.#bytesWritten += bytesWritten;
      this.#size = Math.max(this.#size, position + bytesWritten);
      return bytesWritten;
    } catch (error) {
      throw writeError(this.#placement.writtenAs, position, error);
    }
  }

  async #readSome(into: Uint8Array, from: number, position: number): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(into, from, into.length - from, position);
      if (bytesRead === 0) throw new Error('it has become shorter');
      return bytesRead;
    } catch (error) {
      throw readBackError(this.#placement.writtenAs, position, error);
    }
  }

  /** Lets the system write while the next pages come, but waits for what it was told to write before. */
  async #syncBehind(): Promise<void> {
    await this.#syncing;
    this.#unsynced = 0;
    this.#syncing = this.#sync();
    // It is awaited before the next one; until then a rejection is not unhandled.
    this.#syncing.catch(() => {});
  }

  async #sync(): Promise<void> {
    const from = this.#unsyncedFrom;
    this.#unsyncedFrom = this.#size;
    try {
      await this.#handle.datasync();
    } catch (error) {
      if (this.#placement.device && systemCode(error) === 'EINVAL') return;
      throw syncError(this.#placement.writtenAs, from, error);
    }
  }

  /** Where that fails, what is behind stays. */
  async #cutOff(end: number): Promise<void> {
    if (this.#closed || end >= this.#size) return;
    await this.#handle.truncate(end).catch(() => {});
    this.#size = end;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }

  /**
   * The file is open while it is renamed: where that fails, whoever wrote it can mark it again. The directory is synced
   * last: only then the complete file has its name for good.
   */
  async #publish(): Promise<void> {
    const { path, writtenAs, device } = this.#placement;
    if (writtenAs !== path) {
      await step(writtenAs, `could not be renamed to ${path}`, rename(writtenAs, path));
    }
    this.#ended = true;
    await step(path, 'is complete, but could not be closed', this.#close());
    if (device) return;
    await step(path, 'is complete, but its directory could not be synced', syncDirectory(dirname(path)));
  }
}

/** Rejects with what the failure of `work` means for the output. */
async function step(file: string, failed: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw outputError(file, failed, error);
  }
}

function unsyncedLimit(): number {
  return Math.min(Math.max(process.availableMemory() * UNSYNCED_SHARE, LEAST_UNSYNCED), MOST_UNSYNCED);
}

async function place(path: string, force: boolean): Promise<Placement> {
  const found = await lookUp(path);
  if (!found) return { path, writtenAs: path, device: false };
  const refusal = refuse(found, force);
  if (refusal) throw new VmcoreError(refusal[0], `${path}: ${refusal[1]}`, { file: path });
  if (found.isCharacterDevice()) return { path, writtenAs: path, device: true };
  return { path, writtenAs: `${path}.incomplete-${randomBytes(4).toString('hex')}`, device: false };
}

async function lookUp(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw openError(path, error);
  }
}

/** Why nothing is written to what is there, if so. */
function refuse(
  found: Stats,
  force: boolean,
): ['ERR_VMCORE_EXISTS' | 'ERR_VMCORE_OUTPUT', string] | undefined {
  if (found.isSymbolicLink()) {
    return ['ERR_VMCORE_EXISTS', 'is a symbolic link, which is not followed: name the file itself'];
  }
  if (found.isDirectory()) return ['ERR_VMCORE_OUTPUT', 'is a directory'];
  if (found.isBlockDevice()) return ['ERR_VMCORE_OUTPUT', 'is a block device: a dump is written to a file'];
  if (found.isFIFO() || found.isSocket()) {
    return ['ERR_VMCORE_OUTPUT', 'is a pipe or socket: it takes no writes at positions'];
  }
  if (force) return undefined;
  const remedy = found.isFile()
    ? 'exists already: it is replaced only with force'
    : 'is a device: needs force';
  return ['ERR_VMCORE_EXISTS', remedy];
}

async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle | undefined;
  try {
    directory = await open(path, O_RDONLY | O_DIRECTORY);
    await directory.sync();
  } catch (error) {
    // Some file systems can't sync a directory, and one that may not be read can't be opened: there is nothing else to do.
    const code = systemCode(error);
    if (code !== 'EINVAL' && code !== 'EACCES') throw error;
  } finally {
    await directory?.close();
  }
}
