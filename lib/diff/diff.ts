import { argumentError, isLostData } from '../errors.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { type Progress, progress } from '../pipeline/progress.ts';
import { ZeroPageTest } from '../pipeline/zero-page.ts';
import { Turns } from '../turns.ts';
import { type CoreDiff, DiffCounter, type PageDifference } from './core-diff.ts';
import { ABSENT, type JointRun, jointRuns, type Presence, WITH_DATA, WITHOUT_DATA } from './presence.ts';
import { type DiffSide, SidePages } from './side-pages.ts';

/** How two cores are compared. */
export interface DiffOptions {
  /** Compare only pages of which both cores have data: a filtered dump with what it was made of. Default false. */
  readonly common?: boolean | undefined;
  /** How many ranges of pages that differ the result has at most. Default 1000. */
  readonly ranges?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called some times a second. What it throws ends the comparison. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Bytes that are read of each core at a time: some milliseconds, where they have to be decompressed. */
const CHUNK_BYTES = 256 << 10;
/** Pages between two looks at the clock. */
const SLICE_PAGES = 64;
const RANGES_LIMIT = 1000;

/**
 * Compares the memory of two cores, page by page, whatever their formats are.
 * @throws VmcoreError ERR_VMCORE_ARGUMENT, ERR_VMCORE_FAULT, ERR_VMCORE_CODEC; the signal's reason.
 */
export async function diffCores(
  a: DiffSide,
  b: DiffSide,
  options: DiffOptions,
  signal: AbortSignal,
): Promise<CoreDiff> {
  const { ranges = RANGES_LIMIT } = options;
  if (!Number.isSafeInteger(ranges) || ranges < 0) {
    throw argumentError(`ranges is a number of ranges, not ${String(ranges)}`);
  }
  return new Comparison(a, b, { ...options, ranges }, signal).run();
}

class Comparison {
  readonly #a: DiffSide;
  readonly #b: DiffSide;
  readonly #options: DiffOptions;
  readonly #signal: AbortSignal;
  readonly #turns: Turns;
  readonly #pageSize: number;
  readonly #pagesOfA: SidePages;
  readonly #pagesOfB: SidePages;
  readonly #found: DiffCounter;
  readonly #bytesOfA: Buffer;
  readonly #bytesOfB: Buffer;
  readonly #zeros: ZeroPageTest;
  #started = performance.now();
  #totalPages = 0;
  #done = 0;
  #compared = 0;
  #same = 0;

  constructor(a: DiffSide, b: DiffSide, options: DiffOptions & { ranges: number }, signal: AbortSignal) {
    this.#a = a;
    this.#b = b;
    this.#options = options;
    this.#signal = signal;
    this.#turns = new Turns(signal);
    this.#pageSize = Math.min(a.pageSize, b.pageSize);
    this.#pagesOfA = new SidePages(a, this.#pageSize);
    this.#pagesOfB = new SidePages(b, this.#pageSize);
    this.#found = new DiffCounter(options.ranges);
    this.#bytesOfA = Buffer.alloc(Math.max(CHUNK_BYTES, this.#pageSize));
    this.#bytesOfB = Buffer.alloc(this.#bytesOfA.length);
    this.#zeros = new ZeroPageTest(this.#pageSize);
  }

  async run(): Promise<CoreDiff> {
    for (const pages of [this.#pagesOfA, this.#pagesOfB]) {
      await pages.load({
        signal: this.#signal,
        onProgress: (scan) => this.#report('classify', scan.pages, scan.totalPages),
      });
    }
    for (const run of this.#runs()) {
      if (this.#isCompared(run)) this.#totalPages += run.end - run.pfn;
      if (this.#turns.due) await this.#turns.give();
    }
    this.#started = performance.now();
    for (const run of this.#runs()) {
      if (this.#isCompared(run)) await this.#compare(run);
      else if (this.#turns.due) await this.#turns.give();
    }
    this.#report('compare', this.#done, this.#totalPages);
    return {
      equal: this.#found.ranges.rangeCount === 0,
      pageSize: this.#pageSize,
      compared: this.#compared,
      same: this.#same,
      counts: this.#found.counts,
      ...this.#found.ranges,
      classProblem: (this.#a.problem ?? this.#b.problem)?.message,
    };
  }

  /** Pages that must not be read are none with data here. */
  *#runs(): Generator<JointRun> {
    for (const { pfn, end, a, b } of jointRuns(this.#a.extents, this.#b.extents, this.#pageSize)) {
      for (let from = pfn; from < end; ) {
        const inA = this.#pagesOfA.nextUnread(from);
        const inB = this.#pagesOfB.nextUnread(from);
        const [isInA, isInB] = [inA.pfn <= from, inB.pfn <= from];
        const to = Math.min(end, isInA ? inA.end : inA.pfn, isInB ? inB.end : inB.pfn);
        yield { pfn: from, end: to, a: lowered(a, isInA), b: lowered(b, isInB) };
        from = to;
      }
    }
  }

  #isCompared({ a, b }: JointRun): boolean {
    const areBothThere = a === WITH_DATA && b === WITH_DATA;
    return this.#options.common ? areBothThere : a === WITH_DATA || b === WITH_DATA;
  }

  async #compare(run: JointRun): Promise<void> {
    const isCommon = run.a === WITH_DATA && run.b === WITH_DATA;
    const most = isCommon ? this.#bytesOfA.length / this.#pageSize : SLICE_PAGES;
    for (let pfn = run.pfn; pfn < run.end; ) {
      const pages = Math.min(most, run.end - pfn);
      if (isCommon) this.#compareBoth(pfn, pages);
      else this.#describe(pfn, pages, run);
      pfn += pages;
      this.#done += pages;
      if (!this.#turns.due) continue;
      this.#report('compare', this.#done, this.#totalPages);
      await this.#turns.give();
    }
  }

  /** Pages of which both have data: all at once, since they mostly are the same. */
  #compareBoth(pfn: number, pages: number): void {
    if (this.#areSame(pfn, pages)) {
      this.#compared += pages;
      this.#same += pages;
    } else {
      for (let i = 0; i < pages; i++) this.#comparePage(pfn + i);
    }
  }

  #areSame(pfn: number, pages: number): boolean {
    const length = pages * this.#pageSize;
    const [ofA, ofB] = [this.#bytesOfA.subarray(0, length), this.#bytesOfB.subarray(0, length)];
    try {
      this.#a.memory.read(pfn * this.#pageSize, ofA);
      this.#b.memory.read(pfn * this.#pageSize, ofB);
    } catch (error) {
      // A page can't be read, or only part of one is there.
      if (isLostData(error)) return false;
      throw error;
    }
    return ofA.equals(ofB);
  }

  #comparePage(pfn: number): void {
    const ofA = this.#readPage(this.#a.memory, pfn, this.#bytesOfA);
    const ofB = this.#readPage(this.#b.memory, pfn, this.#bytesOfB);
    if (ofA && ofB) {
      this.#compared++;
      if (ofA.equals(ofB)) this.#same++;
      else this.#add('content', pfn);
    } else {
      this.#add('unreadable', pfn);
    }
  }

  #add(difference: PageDifference, pfn: number): void {
    const pageClass = this.#pagesOfA.classOf(pfn) ?? this.#pagesOfB.classOf(pfn) ?? 'other';
    this.#found.add({ pfn, count: 1, difference, class: pageClass });
  }

  /** Pages of which one has data. */
  #describe(first: number, pages: number, { a, b }: JointRun): void {
    const [memory, own, other, side] =
      a === WITH_DATA
        ? ([this.#a.memory, this.#pagesOfA, b, 'A'] as const)
        : ([this.#b.memory, this.#pagesOfB, a, 'B'] as const);
    const difference = other === ABSENT ? (`onlyIn${side}` as const) : EXCLUDED_WHERE_DATA_IS_IN[side];
    for (let pfn = first; pfn < first + pages; pfn++) {
      const pageClass = own.classOf(pfn) ?? (this.#isZero(memory, pfn) ? 'zero' : 'other');
      this.#found.add({ pfn, count: 1, difference, class: pageClass });
    }
  }

  #isZero(memory: PhysicalMemory, pfn: number): boolean {
    const page = this.#readPage(memory, pfn, this.#bytesOfA);
    return page !== undefined && this.#zeros.isZero(page);
  }

  /** The page, or undefined where it can't be read. */
  #readPage(memory: PhysicalMemory, pfn: number, into: Buffer): Buffer | undefined {
    const page = into.subarray(0, this.#pageSize);
    try {
      memory.readPage(pfn * this.#pageSize, page);
      return page;
    } catch (error) {
      if (isLostData(error)) return undefined;
      throw error;
    }
  }

  #report(phase: string, pages: number, totalPages: number): void {
    const work = { pages, totalPages, bytes: pages * this.#pageSize };
    this.#options.onProgress?.(progress(phase, work, this.#started, performance.now()));
  }
}

const EXCLUDED_WHERE_DATA_IS_IN = { A: 'excludedInB', B: 'excludedInA' } as const;

function lowered(presence: Presence, isUnread: boolean): Presence {
  return isUnread && presence === WITH_DATA ? WITHOUT_DATA : presence;
}
