// Where a crash is saved. Each kind of place is a file of its own; this one chooses.
import type { DumpOptions, DumpReport, Vmcore } from 'vmcore';

/** A piece of a dump, as it was stored. */
export interface Part {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A dump in its place. */
export interface SavedDump {
  readonly name: string;
  /** Together they are the dump, in this order. */
  readonly parts: readonly Part[];
  /** Undefined when the dump ended early. */
  readonly report: DumpReport | undefined;
  /** Why it ended early: the size limit, or the core. What there is can still be looked at. */
  readonly error: Error | undefined;
}

export interface Place {
  /** Saves a small file whole. @throws where it could not, after all attempts. */
  save(name: string, bytes: Uint8Array): Promise<void>;
  /** @throws where the place took no more, after all attempts. */
  dump(core: Vmcore, options: DumpOptions): Promise<SavedDump>;
}

export interface PlaceOptions {
  /** Bytes of a part; two are in memory at a time. */
  readonly partBytes: number;
  /** How often something is tried, and the milliseconds after the first failure; they double from one to the next. */
  readonly attempts: number;
  readonly delay: number;
  /** Milliseconds without a sign of life after which an attempt has failed. */
  readonly timeout: number;
}

/** The place for a target, and the folder in it: a path, http(s)://HOST/PATH, or s3://BUCKET/PREFIX. */
export async function openPlace(target: string, folder: string, options: PlaceOptions): Promise<Place> {
  if (/^https?:/.test(target)) return new (await import('./http.ts')).HttpPlace(target, folder, options);
  if (target.startsWith('s3:')) return new (await import('./s3.ts')).S3Place(target, folder, options);
  return new (await import('./disk.ts')).DiskPlace(target, folder, options);
}
