import type { ByteSource } from '../access/byte-source.ts';
import { COPIED_READ_BYTES } from '../access/copied-ranges.ts';
import { Parts } from '../access/parts.ts';
import type { ReadLimits } from '../access/read-plan.ts';
import type { Region } from '../access/region.ts';
import { isLostData, isVmcoreError, type VmcoreError } from '../errors.ts';
import type { Extents } from '../formats/extents.ts';
import { type PageRuns, splitRuns, withoutGaps } from './page-runs.ts';
import { mapGrid, mapRange, type PlannedRead, partsOfPage } from './read-planner.ts';

/** Pages in ascending order, one after another in memory. */
export interface ReadPages {
  readonly runs: PageRuns;
  /** Of all runs. Belongs to the reader, which fills it again when the next piece is asked for; may be changed. */
  readonly bytes: Uint8Array;
  /** File offset behind the bytes where they were mapped: to be given to ByteSource.checkLength(). Else 0. */
  readonly mappedEnd: number;
}

/** A page that can't be read. */
export interface LostPage {
  readonly pfn: number;
  readonly error: VmcoreError;
}

export type PagePiece = ReadPages | LostPage;

export interface PageReaderOptions {
  readonly source: ByteSource;
  readonly extents: Extents;
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Those of the plan. */
  readonly limits: ReadLimits;
}

/** A range that could not be mapped is tried again in so many parts. */
const RETRY_PARTS = 8;
/** Below so many pages a range is not mapped again, but read. */
const SMALLEST_MAP_PAGES = 128;
/** What is mapped is copied from a stretch of so many pages at a time, so that it is in the caches when it is encoded. */
const COPIED_PAGES = 128;

/** Makes planned reads: pages come in ascending order, as bytes. */
export class PageReader {
  readonly #options: PageReaderOptions;
  #buffer: Uint8Array;
  readonly #parts = new Parts();

  constructor(options: PageReaderOptions) {
    const { pageSize, limits } = options;
    this.#options = options;
    const copied = limits.copied ? COPIED_READ_BYTES : 0;
    const pread = limits.shortPread ?? limits.pread;
    this.#buffer = new Uint8Array(Math.max(pread, copied, SMALLEST_MAP_PAGES * pageSize));
  }

  /** Nothing stays mapped when the generator ends, however it ends. */
  *pieces(reads: Iterable<PlannedRead>): Generator<PagePiece> {
    for (const read of reads) {
      if (read.method === 'pieces') yield this.#assemble(read.runs);
      else if (read.method === 'map') yield* this.#map(read.runs);
      else yield* this.#pread(read.runs);
    }
  }

  *#map(runs: PageRuns): Generator<PagePiece> {
    const { source, pageSize, limits } = this.#options;
    const { start, length } = mapRange(runs.span(pageSize), mapGrid(pageSize, limits));
    let region: Region;
    try {
      region = source.map(start, length);
    } catch (error) {
      if (!isVmcoreError(error, 'ERR_VMCORE_IO')) throw error;
      yield* this.#mapInParts(runs, length);
      return;
    }
    try {
      for (const part of splitRuns(runs, COPIED_PAGES, pageSize)) yield this.#copy(part, region);
    } finally {
      region.release();
    }
  }

  /**
   * What is mapped is copied: whoever looks at a page first waits for its memory, and a copy waits least. Windows over it
   * would cost more than that, because V8 counts their bytes as its own and collects (docs/performance.md).
   */
  #copy(runs: PageRuns, region: Region): ReadPages {
    const { start, end } = this.#want(runs);
    region.gather(start, this.#parts, this.#buffer);
    region.check();
    return { runs, bytes: this.#wanted(), mappedEnd: region.isMapped ? end : 0 };
  }

  /** EAGAIN, ENOMEM and EINVAL may be true of part of a range only; what is too short to map again is read. */
  *#mapInParts(runs: PageRuns, length: number): Generator<PagePiece> {
    const { pageSize } = this.#options;
    const pages = length / pageSize;
    if (pages <= SMALLEST_MAP_PAGES) {
      for (const part of splitRuns(runs, SMALLEST_MAP_PAGES, pageSize)) yield* this.#preadPart(part);
      return;
    }
    for (const part of splitRuns(runs, Math.ceil(pages / RETRY_PARTS), pageSize)) yield* this.#map(part);
  }

  /** Of what was to be mapped: gaps are read only where that is allowed. */
  *#preadPart(runs: PageRuns): Generator<PagePiece> {
    const { limits, pageSize } = this.#options;
    if (!limits.wantedOnly) yield* this.#pread(runs);
    else for (const stretch of withoutGaps(runs, pageSize)) yield* this.#pread(stretch);
  }

  /** A range that can't be read is read in halves; a single page that can't is said so. */
  *#pread(runs: PageRuns): Generator<PagePiece> {
    const { source, pageSize } = this.#options;
    const { start, end } = this.#want(runs);
    try {
      source.gather(start, this.#parts, this.#room());
    } catch (error) {
      if (!isLostData(error)) throw error;
      const pages = (end - start) / pageSize;
      if (pages <= 1) yield { pfn: runs.firstPfn(0), error };
      else for (const part of splitRuns(runs, Math.ceil(pages / 2), pageSize)) yield* this.#pread(part);
      return;
    }
    yield { runs, bytes: this.#wanted(), mappedEnd: 0 };
  }

  /** Makes parts of runs. Returns what they span in the file. */
  #want(runs: PageRuns): { start: number; end: number } {
    const { pageSize } = this.#options;
    const { start, end } = runs.span(pageSize);
    this.#parts.clear();
    for (let i = 0, behind = start; i < runs.count; i++) {
      const bytes = runs.pagesOf(i) * pageSize;
      this.#parts.push(runs.offset(i) - behind, bytes);
      behind = runs.offset(i) + bytes;
    }
    return { start, end };
  }

  /** The buffer, as long as all parts. */
  #room(): Uint8Array {
    const { span } = this.#parts;
    if (this.#buffer.length < span) this.#buffer = new Uint8Array(Math.max(span, this.#options.limits.pread));
    return this.#buffer;
  }

  #wanted(): Uint8Array {
    return this.#buffer.subarray(0, this.#parts.wanted);
  }

  #assemble(runs: PageRuns): PagePiece {
    const { source, extents, pageSize } = this.#options;
    const firstPfn = runs.firstPfn(0);
    const bytes = this.#buffer.subarray(0, pageSize).fill(0);
    try {
      for (const { offset, from, to } of partsOfPage(extents, firstPfn, pageSize)) {
        if (offset >= 0) source.read(offset, bytes.subarray(from, to));
      }
      return { runs, bytes, mappedEnd: 0 };
    } catch (error) {
      if (!isLostData(error)) throw error;
      return { pfn: firstPfn, error };
    }
  }
}
