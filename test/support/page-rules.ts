// Which pages a dump level drops, decided from struct pages by code of the tests' own, with and without a known defect
// of makedumpfile. The rules are those of its documentation (-d), written down here a second time on purpose.
import type { ElfCore } from './elf-core.ts';
import type { StructPage, StructPages } from './struct-pages.ts';

/** What decides about a page. */
export interface Facts {
  tail: boolean;
  anon: boolean;
  cache: boolean;
  private: boolean;
  hugetlb: boolean;
  free: boolean;
  hwpoison: boolean;
  offline: boolean;
  /** 2^order pages belong to the head of a compound page. */
  order: number;
  /** 2^freeOrder pages belong to the first of free ones. */
  freeOrder: number;
}

/** A known defect of makedumpfile, as the facts that it sees. */
export interface Defect {
  name: string;
  seen(facts: Facts, page: StructPage, level: number): Facts;
}

type Flag = 'PG_lru' | 'PG_private' | 'PG_swapcache' | 'PG_swapbacked' | 'PG_slab' | 'PG_hwpoison';
type PageType = 'BUDDY' | 'OFFLINE' | 'HUGETLB' | 'SLAB';

/** Turns a struct page into facts, by the numbers in the core's VMCOREINFO. */
export class PageReader {
  readonly #core: ElfCore;
  readonly #pages: StructPages;
  readonly #bits = new Map<Flag, bigint>();
  readonly #types = new Map<PageType, number>();
  readonly #headMask: bigint;

  constructor(core: ElfCore, pages: StructPages) {
    this.#core = core;
    this.#pages = pages;
    this.#headMask = core.info('NUMBER(PG_head_mask)')!;
    for (const flag of [
      'PG_lru',
      'PG_private',
      'PG_swapcache',
      'PG_swapbacked',
      'PG_slab',
      'PG_hwpoison',
    ] as const) {
      const number = core.info(`NUMBER(${flag})`);
      if (number !== undefined) this.#bits.set(flag, 1n << number);
    }
    for (const type of ['BUDDY', 'OFFLINE', 'HUGETLB', 'SLAB'] as const) {
      const value = core.info(`NUMBER(PAGE_${type}_MAPCOUNT_VALUE)`);
      if (value !== undefined) this.#types.set(type, Number(BigInt.asUintN(32, value)));
    }
  }

  facts(page: StructPage): Facts {
    const slab = this.#types.has('SLAB') ? this.#is(page, 'SLAB') : this.#has(page, 'PG_slab');
    const swapCache = this.#has(page, 'PG_swapcache') && this.#has(page, 'PG_swapbacked');
    return {
      tail: (page.compoundHead & 1n) !== 0n,
      anon: !slab && (page.mapping & 1n) !== 0n,
      cache: this.#has(page, 'PG_lru') || swapCache,
      private: this.#has(page, 'PG_private'),
      free: !slab && this.#is(page, 'BUDDY'),
      freeOrder: Number(page.private),
      hwpoison: this.#has(page, 'PG_hwpoison'),
      offline: !slab && this.#is(page, 'OFFLINE'),
      ...this.#compound(page),
    };
  }

  #compound(page: StructPage): { hugetlb: boolean; order: number } {
    const second = page.flags & this.#headMask ? this.#pages.get(page.pfn + 1) : undefined;
    if (!second) return { hugetlb: false, order: 0 };
    // 6.9 and later: a page type; the order is in the low byte of the second page's flags (6.6)
    if (this.#types.has('HUGETLB'))
      return { hugetlb: this.#is(page, 'HUGETLB'), order: Number(second.flags & 0xffn) };
    const [dtor, order] = ['compound_dtor', 'compound_order'].map((field) =>
      this.#core.info(`OFFSET(page.${field})`),
    );
    if (dtor === undefined || order === undefined) throw new Error('this kernel stores the order elsewhere');
    const hugetlb = second.bytes[Number(dtor)] === Number(this.#core.info('NUMBER(HUGETLB_PAGE_DTOR)'));
    return { hugetlb, order: second.bytes[Number(order)]! };
  }

  #has(page: StructPage, flag: Flag): boolean {
    return (page.flags & (this.#bits.get(flag) ?? 0n)) !== 0n;
  }

  #is(page: StructPage, type: PageType): boolean {
    return page.mapcount === this.#types.get(type);
  }
}

/** Dump levels are sums of these; zero pages, level 1, are no matter of struct pages. */
const [cache, cachePrivate, user, free] = [2, 4, 8, 16];

/** How many page frames are dropped with this one. */
function droppedWith(facts: Facts, level: number): number {
  if (facts.tail) return facts.hwpoison ? 1 : 0; // the rest follows its head
  if (facts.free && level & free) return 2 ** facts.freeOrder;
  const isCache = facts.cache && !facts.anon && level & (facts.private ? cachePrivate : cache | cachePrivate);
  const isUser = (facts.anon || facts.hugetlb) && level & user;
  return isCache || isUser || facts.hwpoison || facts.offline ? 2 ** facts.order : 0;
}

/** The page frames dropped at a level, going by what each of `views` sees. */
export function droppedPages(
  reader: PageReader,
  pages: StructPages,
  level: number,
  views: readonly Defect['seen'][],
): Uint8Array[] {
  const bitmaps = views.map(() => new Uint8Array(Math.ceil(pages.end / 8)));
  const next = views.map(() => 0);
  for (const page of pages) {
    const facts = reader.facts(page);
    views.forEach((view, i) => {
      if (page.pfn < next[i]!) return;
      const count = droppedWith(view(facts, page, level), level);
      for (let pfn = page.pfn; pfn < page.pfn + count; pfn++) bitmaps[i]![pfn >> 3]! |= 1 << (pfn & 7);
      next[i] = page.pfn + count;
    });
  }
  return bitmaps;
}
