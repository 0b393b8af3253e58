import { randomIntegers } from './random.ts';

/** Regions of memory that are sampled each for itself: neighbours were allocated together, and are alike. */
const MOST_REGIONS = 1024;
/** A region has at least so many pages. */
const SMALLEST_REGION = 8;
/** Pages of a region to begin with: fewer tell nothing of how they differ. */
export const FIRST_DRAW = 2;
/** No sample needs more pages to begin with. */
export const SMALLEST_LIMIT = FIRST_DRAW * MOST_REGIONS;

/** A page that was drawn. */
export interface DrawnPage {
  readonly region: number;
  /** How many pages come before it. */
  readonly rank: number;
}

/**
 * Random pages out of a number of pages: from each of up to 1024 regions of as many pages, without replacement, so many
 * as are asked for. Asked again for more, it adds to those that were drawn. The same seed draws the same.
 */
export class RegionSample {
  readonly pages: number;
  readonly regions: number;
  readonly #random: () => number;
  /** For each region the pages that are no longer where they were, as a shuffle of all of them would have it. */
  readonly #moved: Map<number, number>[];
  #drawn = 0;

  constructor(pages: number, seed: number) {
    this.pages = pages;
    this.regions = Math.min(MOST_REGIONS, Math.ceil(pages / SMALLEST_REGION));
    this.#random = randomIntegers(seed);
    this.#moved = Array.from({ length: this.regions }, () => new Map());
  }

  /** Pages of a region. */
  sizeOf(region: number): number {
    return this.#startOf(region + 1) - this.#startOf(region);
  }

  /** Pages of a region that were drawn. */
  drawnOf(region: number): number {
    return Math.min(this.#drawn, this.sizeOf(region));
  }

  /** Pages that are drawn of all regions when `count` are of each. */
  sizeAt(count: number): number {
    let pages = 0;
    for (let region = 0; region < this.regions; region++) pages += Math.min(count, this.sizeOf(region));
    return pages;
  }

  /** What is missing to `count` pages of each region, as far as it has so many; by ascending rank. */
  *drawTo(count: number): Generator<DrawnPage> {
    const from = this.#drawn;
    this.#drawn = count;
    for (let region = 0; region < this.regions; region++) {
      const ranks: number[] = [];
      for (let i = Math.min(from, this.sizeOf(region)); i < this.drawnOf(region); i++)
        ranks.push(this.#startOf(region) + this.#shuffled(region, i));
      ranks.sort((a, b) => a - b);
      for (const rank of ranks) yield { region, rank };
    }
  }

  /** The next step of a shuffle (Fisher and Yates): which page comes to place `i` of a region. */
  #shuffled(region: number, i: number): number {
    const moved = this.#moved[region]!;
    const from = i + (this.#random() % (this.sizeOf(region) - i));
    const page = moved.get(from) ?? from;
    moved.set(from, moved.get(i) ?? i);
    moved.delete(i);
    return page;
  }

  #startOf(region: number): number {
    return Math.floor((region * this.pages) / this.regions);
  }
}
