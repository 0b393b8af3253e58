import type { ByteSource } from '../access/byte-source.ts';
import { COPIED_READ_BYTES } from '../access/copied-ranges.ts';
import type { ReadLimits } from '../access/read-plan.ts';
import { MemoryRegion, type Region } from '../access/region.ts';
import { isLostData, isVmcoreError, type VmcoreError } from '../errors.ts';
import type { Extents } from '../formats/extents.ts';
import type { PageRun } from './page-runs.ts';
import { mapRange, type PlannedRead, partsOfPage, spanOf } from './read-planner.ts';

/** Consecutive pages as bytes, valid until the next piece is asked for; without bytes, one page that can't be read. */
export interface PagePiece {
  readonly firstPfn: number;
  readonly bytes: Uint8Array | undefined;
  /** To be called when the bytes were consumed. @throws VmcoreError ERR_VMCORE_FAULT when they were not all the file's. */
  check(): void;
  /** File offset behind the bytes where they are mapped: to be given to ByteSource.checkLength(). Else 0. */
  readonly mappedEnd: number;
  /** Why the page can't be read. */
  readonly error?: VmcoreError;
}

export interface PageReaderOptions {
  readonly source: ByteSource;
  readonly extents: Extents;
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Those of the plan. */
  readonly limits: ReadLimits;
}

/** Pages of one piece at most: with a slow codec they take about 10 ms. */
const PIECE_PAGES = 128;
/** A range that could not be mapped is tried again in so many parts. */
const RETRY_PARTS = 8;
/** Below so many pages a range is not mapped again, but read. */
const SMALLEST_MAP_PAGES = 128;

/** A piece that is not mapped. */
const IN_MEMORY = { check: (): void => {}, mappedEnd: 0 };

/** Makes planned reads: pages come in ascending order, as bytes. */
export class PageReader {
  readonly #options: PageReaderOptions;
  readonly #buffer: Uint8Array;
  readonly #scratch: Uint8Array;

  constructor(options: PageReaderOptions) {
    const { pageSize, limits } = options;
    this.#options = options;
    const copied = limits.copied ? COPIED_READ_BYTES : 0;
    this.#buffer = new Uint8Array(Math.max(limits.pread, copied, SMALLEST_MAP_PAGES * pageSize));
    this.#scratch = new Uint8Array(pageSize);
  }

  /** Nothing stays mapped when the generator ends, however it ends. */
  *pieces(reads: Iterable<PlannedRead>): Generator<PagePiece> {
    for (const read of reads) {
      if (read.method === 'pieces') yield this.#assemble(read.runs[0]!.firstPfn);
      else if (read.method === 'map') yield* this.#map(read.runs);
      else yield* this.#pread(read.runs);
    }
  }

  *#map(runs: readonly PageRun[]): Generator<PagePiece> {
    const { source, pageSize } = this.#options;
    const { start, length } = mapRange(spanOf(runs, pageSize), pageSize);
    let region: Region;
    try {
      region = source.map(start, length);
    } catch (error) {
      if (!isVmcoreError(error, 'ERR_VMCORE_IO')) throw error;
      yield* this.#mapInParts(runs, length);
      return;
    }
    try {
      for (const run of runs) yield* this.#piecesOf(run, region);
    } finally {
      region.release();
    }
  }

  /** EAGAIN, ENOMEM and EINVAL may be true of part of a range only; what is too short to map again is read. */
  *#mapInParts(runs: readonly PageRun[], length: number): Generator<PagePiece> {
    const { pageSize } = this.#options;
    const pages = length / pageSize;
    if (pages <= SMALLEST_MAP_PAGES) {
      for (const part of splitRuns(runs, SMALLEST_MAP_PAGES, pageSize)) yield* this.#pread(part);
      return;
    }
    for (const part of splitRuns(runs, Math.ceil(pages / RETRY_PARTS), pageSize)) yield* this.#map(part);
  }

  /** A range that can't be read is read in halves; a single page that can't is said so. */
  *#pread(runs: readonly PageRun[]): Generator<PagePiece> {
    const { source, pageSize } = this.#options;
    const { start, end } = spanOf(runs, pageSize);
    const bytes = this.#buffer.subarray(0, end - start);
    try {
      source.read(start, bytes);
    } catch (error) {
      if (!isLostData(error)) throw error;
      const pages = (end - start) / pageSize;
      if (pages <= 1) yield { firstPfn: runs[0]!.firstPfn, bytes: undefined, ...IN_MEMORY, error };
      else for (const part of splitRuns(runs, Math.ceil(pages / 2), pageSize)) yield* this.#pread(part);
      return;
    }
    const region = new MemoryRegion(bytes, start);
    for (const run of runs) yield* this.#piecesOf(run, region);
  }

  /**
   * What is mapped is copied: whoever looks at a page first waits for its memory, and a copy waits least. Windows over it
   * would cost more than that, because V8 counts their bytes as its own and collects (docs/performance.md).
   */
  *#piecesOf(run: PageRun, region: Region): Generator<PagePiece> {
    const { pageSize } = this.#options;
    const check = () => region.check();
    for (let done = 0; done < run.pages; ) {
      const position = run.offset + done * pageSize;
      const pages = Math.min(run.pages - done, PIECE_PAGES);
      const length = pages * pageSize;
      const firstPfn = run.firstPfn + done;
      if (region.isMapped) {
        const bytes = this.#buffer.subarray(0, length);
        region.copy(position, bytes);
        yield { firstPfn, bytes, check, mappedEnd: position + length };
      } else {
        const { bytes, start } = region.window(position);
        const at = position - start;
        yield { firstPfn, bytes: bytes.subarray(at, at + length), check, mappedEnd: 0 };
      }
      done += pages;
    }
  }

  #assemble(firstPfn: number): PagePiece {
    const { source, extents, pageSize } = this.#options;
    const bytes = this.#scratch.fill(0);
    try {
      for (const { offset, from, to } of partsOfPage(extents, firstPfn, pageSize)) {
        if (offset >= 0) source.read(offset, bytes.subarray(from, to));
      }
      return { firstPfn, bytes, ...IN_MEMORY };
    } catch (error) {
      if (!isLostData(error)) throw error;
      return { firstPfn, bytes: undefined, ...IN_MEMORY, error };
    }
  }
}

/** The same runs in parts that span at most `maxPages` pages each; a part has at least one page. */
export function* splitRuns(
  runs: readonly PageRun[],
  maxPages: number,
  pageSize: number,
): Generator<readonly PageRun[]> {
  let part: PageRun[] = [];
  let limit = 0;
  for (const run of runs) {
    for (let done = 0; done < run.pages; ) {
      const offset = run.offset + done * pageSize;
      if (part.length > 0 && offset + pageSize > limit) {
        yield part;
        part = [];
      }
      if (part.length === 0) limit = offset + maxPages * pageSize;
      const pages = Math.min(run.pages - done, Math.floor((limit - offset) / pageSize));
      part.push({ firstPfn: run.firstPfn + done, pages, offset });
      done += pages;
    }
  }
  if (part.length > 0) yield part;
}
