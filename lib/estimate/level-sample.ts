import { PLAIN_DUMP } from '../access/memory-budget.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import type { Classification } from '../filter/classify.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import type { DumpContext } from '../pipeline/dump-context.ts';
import { Turns } from '../turns.ts';
import { type EstimatedTotal, estimateTotal, type RegionSizes } from './interval.ts';
import { PageSizes, type Storage } from './page-sizes.ts';
import { RegionSample } from './region-sample.ts';

/** A sample of the pages that a level keeps, and what they become when they are stored in several ways. */
export class LevelSample {
  readonly #kept: PageBitmap;
  readonly #pageSize: number;
  readonly #sample: RegionSample;
  readonly #sizes: PageSizes;
  /** For each way the sums of each region. */
  readonly #sums: readonly { readonly sum: Float64Array; readonly squares: Float64Array }[];
  #size = 0;

  constructor(
    core: Pick<DumpContext, 'source' | 'extents' | 'pageSize' | 'fit'>,
    { bitmap, kept, level }: Classification,
    ways: readonly Storage[],
    seed: number,
  ) {
    this.#kept = bitmap;
    this.#pageSize = core.pageSize;
    this.#sample = new RegionSample(kept, seed);
    const { profile } = core.fit({ ...PLAIN_DUMP, inPieces: false }, { workers: 0 });
    const reader = { ...core, limits: profile.limits('time', 1) };
    this.#sizes = new PageSizes(reader, ways, (level & LEVEL_ZERO) !== 0);
    const { regions } = this.#sample;
    this.#sums = ways.map(() => ({ sum: new Float64Array(regions), squares: new Float64Array(regions) }));
  }

  /** Pages that were read. */
  get size(): number {
    return this.#size;
  }

  /** Whether these are all. */
  get isWhole(): boolean {
    return this.#size === this.#sample.pages;
  }

  /** Its size when it has `count` pages of each region. */
  sizeAt(count: number): number {
    return this.#sample.sizeAt(count);
  }

  /** Reads more pages, until there are `count` of each region. */
  async growTo(
    count: number,
    report: (pages: number, totalPages: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const total = this.sizeAt(count);
    const turns = new Turns(signal);
    for (const page of this.#pagesTo(count)) {
      if (page) this.#add(page.region, page.pfn);
      if (!turns.due) continue;
      report(this.#size, total);
      await turns.give();
    }
    report(this.#size, total);
  }

  /** What all pages become, stored in each of the ways; one of `together` results, of which all intervals are to hold. */
  totals(together: number): EstimatedTotal[] {
    return this.#sums.map((_, way) => estimateTotal(this.#regions(way), this.#pageSize, together));
  }

  #add(region: number, pfn: number): void {
    this.#sizes.sizesOf(pfn).forEach((size, way) => {
      const { sum, squares } = this.#sums[way]!;
      sum[region]! += size;
      squares[region]! += size * size;
    });
    this.#size++;
  }

  /** The pages that are drawn next; undefined now and then in between. */
  *#pagesTo(count: number): Generator<{ readonly region: number; readonly pfn: number } | undefined> {
    const runs = this.#kept.runs();
    let [first, length] = [0, 0];
    let before = 0;
    for (const { region, rank } of this.#sample.drawTo(count)) {
      while (rank >= before + length) {
        const next = runs.next();
        if (next.done) return;
        before += length;
        [first, length] = next.value;
        yield undefined;
      }
      yield { region, pfn: first + (rank - before) };
    }
  }

  *#regions(way: number): Generator<RegionSizes> {
    const { sum, squares } = this.#sums[way]!;
    for (let region = 0; region < sum.length; region++) {
      const [pages, drawn] = [this.#sample.sizeOf(region), this.#sample.drawnOf(region)];
      yield { pages, drawn, sum: sum[region]!, squares: squares[region]! };
    }
  }
}
