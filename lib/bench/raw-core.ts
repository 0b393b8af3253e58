import { closeSync, fstatSync, openSync } from 'node:fs';
import { native } from '../access/native.ts';
import { WINDOW_BYTES } from '../access/region.ts';
import { argumentError, VmcoreError } from '../errors.ts';
import { Turns } from '../turns.ts';

/**
 * How bytes come into reach: `map` (page tables as pages are touched, on a regular file), `map-populated` (all page
 * tables in the map call, as /proc/vmcore does it), `pread` (copied by the kernel into a buffer that is used again).
 */
export type ReachWay = 'map' | 'map-populated' | 'pread';

/** A stretch of a file that can be reached in several ways. */
export interface RawCoreOptions {
  /** Bytes of the core, from its beginning. Default 256 MiB, or what it has: more than the CPU's caches hold. */
  readonly bytes?: number | undefined;
  /** Bytes of a map, a multiple of the page size of at most 16 MiB. Default 4 MiB. */
  readonly regionBytes?: number | undefined;
  /** Every way has its turn in each round. */
  readonly rounds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MIB = 1 << 20;
const DEFAULT_BYTES = 256 * MIB;
const DEFAULT_REGION_BYTES = 4 * MIB;

/** The beginning of a file, whole pages of it, without anything in between that could cost something. */
export class RawCore implements Disposable {
  readonly bytes: number;
  readonly regionBytes: number;
  /** What is special to /proc/vmcore: a map fills its page tables. */
  readonly eager: boolean;
  readonly #fd: number;
  readonly #source: ReturnType<ReturnType<typeof native>['source']>;
  readonly turns: Turns;

  /** @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_ARGUMENT. */
  constructor(path: string, options: RawCoreOptions) {
    const { pageSize } = native();
    const { bytes = DEFAULT_BYTES, regionBytes = DEFAULT_REGION_BYTES, rounds = 1 } = options;
    if (!(bytes >= pageSize)) throw argumentError(`bytes is a number of at least ${pageSize}, not ${bytes}`);
    checkCallBytes('regionBytes', regionBytes);
    if (!Number.isSafeInteger(rounds) || rounds < 1)
      throw argumentError(`rounds is a number of at least 1, not ${rounds}`);
    this.#fd = open(path);
    this.#source = native().source(this.#fd);
    this.turns = new Turns(options.signal);
    this.eager = path.startsWith('/proc/');
    this.regionBytes = regionBytes;
    this.bytes = Math.floor(Math.min(bytes, fstatSync(this.#fd).size) / pageSize) * pageSize;
    if (this.bytes === 0) {
      this[Symbol.dispose]();
      throw argumentError(`${path} has less than a page`, path);
    }
  }

  /** The ways that differ here. */
  get ways(): ReachWay[] {
    return this.eager ? ['map', 'pread'] : ['map', 'map-populated', 'pread'];
  }

  /** Reads all of it once, so that a regular file is in the page cache. */
  async warm(): Promise<void> {
    for (const _ of this.pieces('pread', MIB)) if (this.turns.due) await this.turns.give();
  }

  /**
   * The bytes piece by piece, each valid until the next. `acquired` is called with the cycles that it took to bring a
   * piece into reach and out of it again, and with its length.
   */
  *pieces(
    way: ReachWay,
    length = this.regionBytes,
    acquired: (cycles: number, bytes: number) => void = () => {},
  ): Generator<Uint8Array> {
    const { cycles } = native();
    const buffer = way === 'pread' ? new Uint8Array(length) : undefined;
    for (let position = 0; position < this.bytes; position += length) {
      const size = Math.min(length, this.bytes - position);
      const started = cycles();
      const piece = buffer ? this.#read(buffer, position, size) : this.#map(position, size, way);
      const ready = cycles();
      try {
        yield piece.bytes;
      } finally {
        const done = cycles();
        piece.release();
        acquired(ready - started + (cycles() - done), size);
      }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #read(buffer: Uint8Array, position: number, size: number) {
    const done = this.#source.pread(buffer, 0, size, position);
    return { bytes: buffer.subarray(0, done), release: () => {} };
  }

  #map(position: number, size: number, way: ReachWay) {
    const region = this.#source.map(position, size, way === 'map-populated');
    return { bytes: new Uint8Array(region.window(0, size)), release: () => region.unmap() };
  }
}

/** What one call brings into reach: whole pages, and no more than one window has. @throws VmcoreError ERR_VMCORE_ARGUMENT. */
export function checkCallBytes(name: string, bytes: number): void {
  const { pageSize } = native();
  if (bytes >= pageSize && bytes <= WINDOW_BYTES && bytes % pageSize === 0) return;
  throw argumentError(`${name} is a multiple of ${pageSize} of at most ${WINDOW_BYTES}, not ${bytes}`);
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new VmcoreError('ERR_VMCORE_OPEN', `${path}: can't be opened`, { file: path, cause });
  }
}
