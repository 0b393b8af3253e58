import { VmcoreError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { type AccessCounters, sumCounters } from './counters.ts';
import { gatherByReading, type Parts } from './parts.ts';
import type { Region } from './region.ts';

/** Bytes that are made of those of files when they are read: they can't be mapped, and calls are those on the files. */
export abstract class DerivedSource implements ByteSource {
  readonly name: string;
  abstract readonly size: number;
  readonly mapping = 'none';
  readonly shared = undefined;
  readonly #files: readonly ByteSource[];

  /** They are closed with it; it is called by the first one's name. */
  constructor(files: readonly ByteSource[]) {
    this.name = files[0]!.name;
    this.#files = files;
  }

  abstract read(position: number, into: Uint8Array): void;

  gather(position: number, parts: Parts, into: Uint8Array): void {
    gatherByReading(this, position, parts, into);
  }

  checkLength(): void {}

  map(): Region {
    const message = `${this.name}: what is not in the file as it is can't be mapped`;
    throw new VmcoreError('ERR_VMCORE_IO', message, { file: this.name });
  }

  counters(): AccessCounters {
    return sumCounters(this.#files.map((file) => file.counters()));
  }

  get mapFailures(): Readonly<Record<string, number>> {
    const sum: Record<string, number> = {};
    for (const { mapFailures } of this.#files)
      for (const [reason, count] of Object.entries(mapFailures)) sum[reason] = (sum[reason] ?? 0) + count;
    return sum;
  }

  addCalls(): void {}

  close(): void {
    for (const file of this.#files) file.close();
  }
}
