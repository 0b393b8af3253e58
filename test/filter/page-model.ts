// Which pages a dump level leaves out, decided from what a test says of them: no bytes, no speed.
import type { PageClass } from '../../lib/filter/page-class.ts';
import type { Generation } from '../support/page-generations.ts';
import type { PageFields } from '../support/page-writer.ts';

interface Verdict {
  readonly pageClass: PageClass;
  readonly pages: number;
}

/** The class for which each page is left out, by index; undefined for a page that is kept. */
export function modelClasses(
  generation: Generation,
  pages: readonly PageFields[],
  level: number,
): (PageClass | undefined)[] {
  const classes: (PageClass | undefined)[] = pages.map(() => undefined);
  for (let pfn = 0; pfn < pages.length; ) {
    const verdict = judge(generation, pages, pfn, level);
    if (verdict) classes.fill(verdict.pageClass, pfn, pfn + verdict.pages);
    pfn += verdict?.pages ?? 1;
  }
  return classes;
}

function judge(
  generation: Generation,
  pages: readonly PageFields[],
  pfn: number,
  level: number,
): Verdict | undefined {
  const page = pages[pfn]!;
  const poisoned = has(generation, page, 'hwpoison');
  // Kernels before 4.4 do not say which pages are tails.
  if (page.tail && generation.offsets.compound_head !== undefined)
    return poisoned ? { pageClass: 'hwpoison', pages: 1 } : undefined;
  const slab = is(generation, page, 'SLAB') || has(generation, page, 'slab');
  if (level & 16 && !slab && is(generation, page, 'BUDDY')) return freeBlock(pfn, Number(page.private ?? 0n));
  if (level & 16 && !slab && is(generation, page, 'UNACCEPTED')) return freeBlock(pfn, 10);
  const pageClass = classOf(generation, pages, pfn, level, slab);
  return pageClass && { pageClass, pages: isHead(page) ? 2 ** orderOf(generation, pages, pfn) : 1 };
}

function classOf(
  generation: Generation,
  pages: readonly PageFields[],
  pfn: number,
  level: number,
  slab: boolean,
): PageClass | undefined {
  const page = pages[pfn]!;
  const isAnon = !slab && ((page.mapping ?? 0n) & 1n) !== 0n;
  const inSwap = has(generation, page, 'swapcache') && has(generation, page, 'swapbacked');
  const isCache = !isAnon && (has(generation, page, 'lru') || inSwap);
  const isPrivate = has(generation, page, 'private');
  if (isCache && !isPrivate && level & (2 | 4)) return 'cache';
  if (isCache && isPrivate && level & 4) return 'cachePrivate';
  if (level & 8 && (isAnon || isHugetlb(generation, pages, pfn))) return 'user';
  if (has(generation, page, 'hwpoison')) return 'hwpoison';
  return !slab && is(generation, page, 'OFFLINE') ? 'offline' : undefined;
}

/** What is no free block by its order or place is kept. */
function freeBlock(pfn: number, order: number): Verdict | undefined {
  return order < 11 && pfn % 2 ** order === 0 ? { pageClass: 'free', pages: 2 ** order } : undefined;
}

function orderOf(generation: Generation, pages: readonly PageFields[], pfn: number): number {
  const second = pages[pfn + 1];
  // A low flag beside it makes an order in the flags one that can't be.
  const spoiled = !generation.order && (has(generation, second ?? {}, 'lru') || isHead(second ?? {}));
  const order = second?.order ?? 0;
  return order <= 22 && !spoiled && pfn % 2 ** order === 0 ? order : 0;
}

function isHugetlb({ hugetlb }: Generation, pages: readonly PageFields[], pfn: number): boolean {
  const page = pages[pfn]!;
  const second = pages[pfn + 1];
  if (!isHead(page) || !second || pfn % 2 === 1) return false;
  if (hugetlb === 'type') return page.hugetlb === true && !page.type;
  return second.order !== undefined && second.hugetlb === true;
}

function isHead(page: PageFields): boolean {
  return page.flags?.includes('head') ?? false;
}

function has({ flags }: Generation, page: PageFields, flag: keyof Generation['flags']): boolean {
  return flags[flag] !== undefined && (page.flags?.includes(flag) ?? false);
}

function is({ types }: Generation, page: PageFields, type: keyof Generation['types']): boolean {
  return types[type] !== undefined && page.type === type;
}
