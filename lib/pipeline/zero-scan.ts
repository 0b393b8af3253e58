import type { PageBitmap } from '../filter/bitmap.ts';
import type { DumpWriter } from '../output/dump-writer.ts';
import { type PageBatch, ZERO_PAGE } from '../output/page-batch.ts';

/**
 * Takes pages as a dump does, and only notes which have nothing but zeros: an ELF core has their number in its headers,
 * before any page.
 */
export class ZeroScan implements DumpWriter {
  readonly size = 0;
  /** The pages that have something in them, or could not be read. */
  readonly others: PageBitmap;
  readonly #pages: PageBitmap;
  #pfn: number;

  /** @param pages those that will be appended; not changed. */
  constructor(pages: PageBitmap) {
    this.#pages = pages;
    this.others = pages.copy();
    this.#pfn = pages.nextSet(0);
  }

  async begin(): Promise<void> {}

  async append({ count, flags }: PageBatch): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (flags[i] === ZERO_PAGE) this.others.clear(this.#pfn, this.#pfn + 1);
      this.#pfn = this.#pages.nextSet(this.#pfn + 1);
    }
  }

  async settle(): Promise<void> {}

  async finish(): Promise<void> {}

  async abort(): Promise<undefined> {}
}
