import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DumpOptions, isVmcoreError, type Vmcore, type VmcoreError } from 'vmcore';
import { sha256 } from './parts.ts';
import type { Part, Place, PlaceOptions, SavedDump } from './place.ts';
import { Final, retry } from './retry.ts';

/** A folder. The dump is written at positions, so it is no flattened one; its parts are pieces of the file. */
export class DiskPlace implements Place {
  readonly #folder: string;
  readonly #options: PlaceOptions;

  constructor(target: string, folder: string, options: PlaceOptions) {
    this.#folder = join(target, folder);
    this.#options = options;
  }

  async save(name: string, bytes: Uint8Array): Promise<void> {
    await retry(name, this.#options, async () => {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(join(this.#folder, name), bytes, { mode: 0o600, flush: true });
    });
  }

  /** A core gives the same dump every time: another attempt writes the same bytes. */
  async dump(core: Vmcore, options: DumpOptions): Promise<SavedDump> {
    const name = 'vmcore';
    const file = join(this.#folder, name);
    let error: Error | undefined;
    const report = await retry(name, this.#options, async () => {
      await mkdir(this.#folder, { recursive: true });
      await rm(file, { force: true });
      return core.dump(file, options).catch((cause) => {
        if (isVmcoreError(cause, 'ERR_VMCORE_OUTPUT')) throw cause;
        if (isFull(cause)) throw new Final(cause.message, { cause });
        error = cause;
        return undefined;
      });
    });
    return { name, parts: await this.#hash(name, file), report, error };
  }

  async #hash(name: string, file: string): Promise<Part[]> {
    const parts: Part[] = [];
    for await (const bytes of createReadStream(file, { highWaterMark: this.#options.partBytes })) {
      parts.push({ name, bytes: bytes.length, sha256: sha256(bytes).toString('hex') });
    }
    return parts;
  }
}

/** The disk, and not the limit. */
function isFull(error: unknown): error is VmcoreError {
  return isVmcoreError(error, 'ERR_VMCORE_NO_SPACE') && error.cause !== undefined;
}
