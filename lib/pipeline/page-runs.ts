import { COPIED_READ_BYTES, type CopiedRanges, isCopied } from '../access/copied-ranges.ts';
import { type MapBorders, stretchAround } from '../access/map-borders.ts';
import type { WantedRanges } from '../access/read-plan.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import { type Extents, findExtent } from '../formats/extents.ts';

/** Wanted pages that lie one after another in the file, or one page that lies in pieces. */
export interface PageRun {
  readonly firstPfn: number;
  readonly pages: number;
  /** File offset of the first page, or -1 where a page must be put together from several places. */
  readonly offset: number;
}

/** Numbers of a run. */
const RUN_NUMBERS = 3;

/** Ascending runs, as numbers: what one read has of them may be thousands, and a message carries them as they are. */
export class PageRuns {
  /** Of each run its first pfn, its pages and its offset (see {@link PageRun}). */
  readonly numbers: Float64Array;

  constructor(numbers: Float64Array) {
    this.numbers = numbers;
  }

  static of(...runs: readonly PageRun[]): PageRuns {
    return new PageRuns(
      Float64Array.from(runs.flatMap(({ firstPfn, pages, offset }) => [firstPfn, pages, offset])),
    );
  }

  get count(): number {
    return this.numbers.length / RUN_NUMBERS;
  }

  /** Of all runs. */
  get pages(): number {
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += this.pagesOf(i);
    return sum;
  }

  firstPfn(i: number): number {
    return this.numbers[RUN_NUMBERS * i]!;
  }

  pagesOf(i: number): number {
    return this.numbers[RUN_NUMBERS * i + 1]!;
  }

  offset(i: number): number {
    return this.numbers[RUN_NUMBERS * i + 2]!;
  }

  /** Runs `first` to `last` - 1. */
  slice(first: number, last: number): PageRuns {
    return new PageRuns(this.numbers.subarray(RUN_NUMBERS * first, RUN_NUMBERS * last));
  }

  /** The file offsets that they cover, gaps included. */
  span(pageSize: number): { start: number; end: number } {
    const last = this.count - 1;
    return { start: this.offset(0), end: this.offset(last) + this.pagesOf(last) * pageSize };
  }
}

/** Runs that are planned together, at most: with them a plan takes 1 MiB, whatever the size of the core. */
const GROUP_RUNS = 1 << 14;

/**
 * Runs whose file offsets ascend, so that they can be planned together. They are numbers: objects that live until a plan
 * is made would let V8 take 30 MiB for young ones (docs/performance.md).
 */
class RunGroup implements WantedRanges {
  count = 0;
  readonly start = new Float64Array(GROUP_RUNS);
  readonly end = new Float64Array(GROUP_RUNS);
  readonly #firstPfn = new Float64Array(GROUP_RUNS);
  readonly #pageSize: number;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  get isFull(): boolean {
    return this.count === GROUP_RUNS;
  }

  push({ firstPfn, pages, offset }: PageRun): void {
    this.#firstPfn[this.count] = firstPfn;
    this.start[this.count] = offset;
    this.end[this.count++] = offset + pages * this.#pageSize;
  }

  /** Runs `first` to `last` - 1. */
  slice(first: number, last: number): PageRuns {
    const numbers = new Float64Array(RUN_NUMBERS * (last - first));
    for (let i = first, at = 0; i < last; i++) {
      numbers[at++] = this.#firstPfn[i]!;
      numbers[at++] = (this.end[i]! - this.start[i]!) / this.#pageSize;
      numbers[at++] = this.start[i]!;
    }
    return new PageRuns(numbers);
  }
}

/** The same runs in parts that span at most `maxPages` pages each; a part has at least one page. */
export function* splitRuns(runs: PageRuns, maxPages: number, pageSize: number): Generator<PageRuns> {
  let part: number[] = [];
  let limit = 0;
  for (let i = 0; i < runs.count; i++) {
    for (let done = 0; done < runs.pagesOf(i); ) {
      const offset = runs.offset(i) + done * pageSize;
      if (part.length > 0 && offset + pageSize > limit) {
        yield new PageRuns(Float64Array.from(part));
        part = [];
      }
      if (part.length === 0) limit = offset + maxPages * pageSize;
      const pages = Math.min(runs.pagesOf(i) - done, Math.floor((limit - offset) / pageSize));
      part.push(runs.firstPfn(i) + done, pages, offset);
      done += pages;
    }
  }
  if (part.length > 0) yield new PageRuns(Float64Array.from(part));
}

/** The same runs in parts that lie in the file without gaps. */
export function* withoutGaps(runs: PageRuns, pageSize: number): Generator<PageRuns> {
  let first = 0;
  for (let i = 1; i <= runs.count; i++) {
    const follows = i < runs.count && runs.offset(i) === runs.offset(i - 1) + runs.pagesOf(i - 1) * pageSize;
    if (follows) continue;
    yield runs.slice(first, i);
    first = i;
  }
}

/** In pages. */
export interface RunLengths {
  /** A run has so many at most. */
  readonly run: number;
  /** No call reaches over a gap of more. */
  readonly gap: number;
}

/**
 * The set pages of `bitmap` in ascending order as runs, in groups whose file offsets
 * ascend without gaps that are too long: what lies in these may be another group's.
 * A group whose offset is -1 has that one run. No run goes across a border, but for a page that does. A group is valid
 * until the next one is asked for.
 */
export function* runGroups(
  bitmap: PageBitmap,
  extents: Extents,
  pageSize: number,
  lengths: RunLengths,
  borders?: MapBorders,
  copied?: CopiedRanges,
): Generator<RunGroup> {
  const group = new RunGroup(pageSize);
  let end = 0;
  for (const run of pageRuns(bitmap, extents, pageSize, lengths.run, borders, copied)) {
    const isFar = run.offset < end || run.offset - end > lengths.gap * pageSize;
    if ((isFar || group.isFull) && group.count > 0) {
      yield group;
      group.count = 0;
    }
    group.push(run);
    end = run.offset < 0 ? Number.POSITIVE_INFINITY : run.offset + run.pages * pageSize;
  }
  if (group.count > 0) yield group;
}

/** The set pages of `bitmap` in ascending order, in runs of at most `maxPages`. */
export function* pageRuns(
  bitmap: PageBitmap,
  extents: Extents,
  pageSize: number,
  maxPages: number,
  borders?: MapBorders,
  copied?: CopiedRanges,
): Generator<PageRun> {
  const { start, end, offset, count } = extents;
  for (const [first, length] of bitmap.runs()) {
    for (let pfn = first; pfn < first + length; ) {
      const paddr = pfn * pageSize;
      const index = findExtent(extents, paddr);
      const whole =
        index < count && start[index]! <= paddr && offset[index]! >= 0
          ? Math.floor((end[index]! - paddr) / pageSize)
          : 0;
      const pages = Math.min(whole, first + length - pfn, maxPages);
      if (pages === 0) {
        yield { firstPfn: pfn++, pages: 1, offset: -1 };
      } else {
        const position = offset[index]! + (paddr - start[index]!);
        const longest = isCopied(copied, position) ? COPIED_READ_BYTES : Number.POSITIVE_INFINITY;
        const stretch = Math.min(stretchAround(borders, position).end - position, longest);
        const inStretch = Math.floor(stretch / pageSize);
        const run = { firstPfn: pfn, pages: Math.max(1, Math.min(pages, inStretch)), offset: position };
        yield run;
        pfn += run.pages;
      }
    }
  }
}
