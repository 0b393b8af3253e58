import type { PageBitmap } from '../filter/bitmap.ts';
import type { Classification, ScanOptions } from '../filter/classify.ts';
import { NEVER_READ, PAGE_CLASSES, type PageClass } from '../filter/page-class.ts';
import type { Extents } from '../formats/extents.ts';
import type { PhysicalMemory } from '../memory/physical.ts';

/** One of the cores that are compared, as far as comparing needs it. */
export interface DiffSide {
  readonly memory: PhysicalMemory;
  readonly extents: Extents;
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Why its pages can't be classified; undefined when they can. */
  readonly problem: Error | undefined;
  /** Classifies its pages at the highest level. */
  classify(options: ScanOptions): Promise<Classification>;
}

/** What the kernel in one core says of its pages. pfns count pages of `pageSize` bytes, which its own may be a multiple of. */
export class SidePages {
  readonly #side: DiffSide;
  readonly #scale: number;
  #classes: ReadonlyMap<PageClass, PageBitmap> = new Map();

  constructor(side: DiffSide, pageSize: number) {
    this.#side = side;
    this.#scale = side.pageSize / pageSize;
  }

  /** Finds out. Where nothing can be found out, every page is of no class. @throws what classifying throws. */
  async load(options: ScanOptions): Promise<void> {
    if (this.#side.problem) return;
    const { collected } = await this.#side.classify({ ...options, collect: PAGE_CLASSES });
    this.#classes = new Map([...collected].filter(([, pages]) => pages.nextSet(0) >= 0));
  }

  /** The class for which a page would be left out. */
  classOf(pfn: number): PageClass | undefined {
    const own = Math.floor(pfn / this.#scale);
    for (const [name, pages] of this.#classes) if (pages.has(own)) return name;
    return undefined;
  }

  /** The first run of pages at or after `pfn` that must not be read; at infinity where there is none. */
  nextUnread(pfn: number): { readonly pfn: number; readonly end: number } {
    let [first, end] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (const name of NEVER_READ) {
      const pages = this.#classes.get(name);
      const found = pages?.nextSet(Math.floor(pfn / this.#scale)) ?? -1;
      if (!pages || found < 0 || found * this.#scale >= first) continue;
      first = Math.max(pfn, found * this.#scale);
      end = pages.nextClear(found) * this.#scale;
    }
    return { pfn: first, end };
  }
}
