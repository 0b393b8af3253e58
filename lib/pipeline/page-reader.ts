import type { ByteSource } from '../access/byte-source.ts';
import { planReads, type ReadCosts, type ReadLimits, type ReadMethod } from '../access/read-plan.ts';
import { MemoryRegion, type Region } from '../access/region.ts';
import { isVmcoreError, type VmcoreError } from '../errors.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { type PageRun, runGroups } from './page-runs.ts';

/** Consecutive pages as bytes, valid until the next piece is asked for; without bytes, one page that can't be read. */
export interface PagePiece {
  readonly firstPfn: number;
  readonly bytes: Uint8Array | undefined;
  /** To be called when the bytes were consumed. @throws VmcoreError ERR_VMCORE_FAULT when they were not all the file's. */
  check(): void;
  /** Why the page can't be read. */
  readonly error?: VmcoreError;
}

export interface PageReaderOptions {
  readonly source: ByteSource;
  /** Puts together pages that lie in pieces. */
  readonly memory: PhysicalMemory;
  readonly pageSize: number;
  readonly costs: ReadCosts;
  readonly limits: ReadLimits;
}

/** Pages of one piece at most: with a slow codec they take about 10 ms. */
const PIECE_PAGES = 128;
/** A range that could not be mapped is tried again in halves down to this many pages, then read. */
const SMALLEST_MAP_PAGES = 16;

const noCheck = (): void => {};

/** Reads the pages of a bitmap in ascending order, as the plan for them says. */
export class PageReader {
  /** Maps that failed, so that the range was mapped in parts or read. */
  mapFailures = 0;
  readonly #options: PageReaderOptions;
  readonly #buffer: Uint8Array;
  readonly #scratch: Uint8Array;

  constructor(options: PageReaderOptions) {
    this.#options = options;
    this.#buffer = new Uint8Array(Math.max(options.limits.pread, SMALLEST_MAP_PAGES * options.pageSize));
    this.#scratch = new Uint8Array(options.pageSize);
  }

  /** Nothing stays mapped when the generator ends, however it ends. */
  *pieces(bitmap: PageBitmap): Generator<PagePiece> {
    const { memory, pageSize, costs, limits } = this.#options;
    const maxPages = Math.floor(Math.max(limits.map, limits.pread) / pageSize);
    for (const { runs, ranges } of runGroups(bitmap, memory.extents, pageSize, maxPages)) {
      if (runs[0]!.offset < 0) {
        yield this.#assemble(runs[0]!.firstPfn);
        continue;
      }
      for (const { first, last, method } of planReads(ranges, pageSize, costs, limits)) {
        yield* this.#read(runs.slice(first, last), method);
      }
    }
  }

  *#read(runs: readonly PageRun[], method: ReadMethod): Generator<PagePiece> {
    let region: Region;
    try {
      region = this.#acquire(runs, method);
    } catch (error) {
      if (!isVmcoreError(error, 'ERR_VMCORE_IO')) throw error;
      if (method === 'map') this.mapFailures++;
      yield* this.#retry(runs, method, error);
      return;
    }
    try {
      for (const run of runs) yield* this.#piecesOf(run, region);
    } finally {
      region.release();
    }
  }

  /** In halves; what is too small to map is read, and a single page that can't be read is said so. */
  *#retry(runs: readonly PageRun[], method: ReadMethod, error: VmcoreError): Generator<PagePiece> {
    const pages = this.#span(runs).length / this.#options.pageSize;
    if (method === 'map' && pages <= SMALLEST_MAP_PAGES) {
      yield* this.#read(runs, 'pread');
    } else if (runs.length === 1 && runs[0]!.pages === 1) {
      yield { firstPfn: runs[0]!.firstPfn, bytes: undefined, check: noCheck, error };
    } else {
      const [left, right] = halves(runs, this.#options.pageSize);
      yield* this.#read(left, method);
      yield* this.#read(right, method);
    }
  }

  #acquire(runs: readonly PageRun[], method: ReadMethod): Region {
    const { source, pageSize } = this.#options;
    const { start, length } = this.#span(runs);
    if (method === 'map') {
      const skew = start % pageSize;
      return source.map(start - skew, length + skew);
    }
    const bytes = this.#buffer.subarray(0, length);
    source.read(start, bytes);
    return new MemoryRegion(bytes, start);
  }

  #span(runs: readonly PageRun[]): { start: number; length: number } {
    const last = runs.at(-1)!;
    const start = runs[0]!.offset;
    return { start, length: last.offset + last.pages * this.#options.pageSize - start };
  }

  *#piecesOf(run: PageRun, region: Region): Generator<PagePiece> {
    const { pageSize } = this.#options;
    const check = () => region.check();
    for (let done = 0; done < run.pages; ) {
      const position = run.offset + done * pageSize;
      const window = region.window(position);
      const inWindow = Math.floor((window.end - position) / pageSize);
      const firstPfn = run.firstPfn + done;
      if (inWindow === 0) {
        yield { firstPfn, bytes: this.#joinWindows(region, position), check };
        done++;
        continue;
      }
      const pages = Math.min(inWindow, run.pages - done, PIECE_PAGES);
      const at = position - window.start;
      yield { firstPfn, bytes: window.bytes.subarray(at, at + pages * pageSize), check };
      done += pages;
    }
  }

  /** A page that begins in one window and ends in the next. */
  #joinWindows(region: Region, position: number): Uint8Array {
    const scratch = this.#scratch;
    for (let done = 0; done < scratch.length; ) {
      const window = region.window(position + done);
      const at = position + done - window.start;
      const part = window.bytes.subarray(at, at + scratch.length - done);
      scratch.set(part, done);
      done += part.length;
    }
    return scratch;
  }

  #assemble(firstPfn: number): PagePiece {
    const { memory, pageSize } = this.#options;
    try {
      return { firstPfn, bytes: memory.readPage(firstPfn * pageSize, this.#scratch), check: noCheck };
    } catch (error) {
      if (!isVmcoreError(error, 'ERR_VMCORE_IO')) throw error;
      return { firstPfn, bytes: undefined, check: noCheck, error };
    }
  }
}

function halves(runs: readonly PageRun[], pageSize: number): [PageRun[], PageRun[]] {
  if (runs.length > 1) {
    const middle = runs.length >>> 1;
    return [runs.slice(0, middle), runs.slice(middle)];
  }
  const { firstPfn, pages, offset } = runs[0]!;
  const half = pages >>> 1;
  const right = { firstPfn: firstPfn + half, pages: pages - half, offset: offset + half * pageSize };
  return [[{ firstPfn, pages: half, offset }], [right]];
}
