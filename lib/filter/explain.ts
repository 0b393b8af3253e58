import type { MemMap, MemMapRange } from '../kernel/mem-map.ts';
import type { StructPages } from '../kernel/struct-pages.ts';
import { PageBitmap } from './bitmap.ts';
import type { PageFacts } from './classify.ts';
import { LEVEL_MAX } from './dump-level.ts';
import { type PageLimits, presenceOf } from './existing-pages.ts';
import type { PageClass } from './page-class.ts';
import { ORDER_LIMIT, PageScan } from './page-scan.ts';

/** Why a page is kept or left out. */
export interface PageExplanation {
  readonly pfn: number;
  readonly level: number;
  /** Whether the dump level keeps the page. A page of zeros is kept, and stored as one that all of them share. */
  readonly kept: boolean;
  /** The class for which this level leaves it out, or for which a higher level would; undefined for kernel data. */
  readonly pageClass: PageClass | undefined;
  /** First pfn of the free block or compound page that it belongs to; `pfn` itself for a page of its own. */
  readonly head: number;
  /** Pages of that block or compound page, as far as it decides. */
  readonly pages: number;
  /** page.flags, page.mapping and page._mapcount (page type), when the struct page can be read. */
  readonly structPage:
    | { readonly flags: bigint; readonly mapping: bigint; readonly mapcount: number }
    | undefined;
  /** All of it in a sentence. */
  readonly text: string;
}

/** What is known of the kernel's pages, and how single ones are read. */
interface KnownPages {
  readonly facts: PageFacts;
  readonly structPages: StructPages;
}

/** The block that decides about a page, and for what. */
interface Verdict {
  readonly head: number;
  readonly pages: number;
  readonly pageClass: PageClass;
}

/** Pages of the largest block that is looked for. */
const LARGEST_BLOCK = 2 ** ORDER_LIMIT;

/** What each class means, to end a sentence. */
const MEANING: Readonly<Record<PageClass, string>> = {
  cache: 'page cache without private data (level 2)',
  cachePrivate: 'page cache with private data (level 4)',
  user: 'user data: anonymous or hugetlb (level 8)',
  free: 'free or unaccepted (level 16)',
  hwpoison: 'hardware poison (left out at every level)',
  offline: 'logically offline (left out at every level)',
};

/**
 * Explains the decision of classify() about a page, by the same rules: blocks that could hold the page are judged from
 * the largest down, as a scan from below would meet them.
 */
export function explain(
  known: KnownPages | undefined,
  limits: PageLimits,
  pfn: number,
  level: number,
): PageExplanation {
  const plain = { pfn, level, head: pfn, pages: 1, pageClass: undefined, structPage: undefined };
  const presence = presenceOf(limits, pfn);
  if (presence === 'absent') {
    return { ...plain, kept: false, text: `pfn ${pfn} is not in the core: no segment covers it` };
  }
  if (presence === 'no-data') {
    const text = `pfn ${pfn} has no data in the core: it was left out when the core was written`;
    return { ...plain, kept: false, text };
  }
  if (!known)
    return { ...plain, kept: true, text: `pfn ${pfn} is kept: nothing is known of the kernel's pages` };
  const verdict = judge(known, limits, pfn, level);
  const higher = verdict ?? judge(known, limits, pfn, LEVEL_MAX);
  const range = rangeOf(known.facts.memMap, pfn);
  const own = range && structPage(known, range, pfn);
  // A block is left out whole, whatever is known of its other pages.
  if (!higher && !own) {
    const text = `pfn ${pfn} is kept: ${range ? "its struct page can't be read" : 'it has no struct page'}`;
    return { ...plain, kept: true, text };
  }
  return {
    ...plain,
    ...higher,
    kept: !verdict,
    structPage: own,
    text: sentence(pfn, level, verdict, higher),
  };
}

function sentence(
  pfn: number,
  level: number,
  verdict: Verdict | undefined,
  higher: Verdict | undefined,
): string {
  const decisive = verdict ?? higher;
  if (!decisive) return `pfn ${pfn} is kept: kernel data`;
  const place =
    decisive.pages > 1 ? `, in a block of ${decisive.pages} pages from pfn ${decisive.head} on` : '';
  return verdict
    ? `pfn ${pfn} is left out at level ${level}: ${MEANING[decisive.pageClass]}${place}`
    : `pfn ${pfn} is kept at level ${level}, which does not leave out ${MEANING[decisive.pageClass]}${place}`;
}

/** The block that a scan would clear the page with: it meets the heads that can have the page from the lowest up. */
function judge(
  { facts, structPages }: KnownPages,
  limits: PageLimits,
  pfn: number,
  level: number,
): Verdict | undefined {
  const scan = new PageScan(facts.layout, facts.littleEndian, level);
  for (let size = LARGEST_BLOCK, last = -1; size >= 1; size /= 2) {
    const head = pfn - (pfn % size);
    if (head === last || presenceOf(limits, head) !== 'data') continue;
    last = head;
    const range = rangeOf(facts.memMap, head);
    const chunk = range && structPages.pair(range, head);
    if (!chunk) continue;
    const bitmap = new PageBitmap(head + 1, undefined, head);
    bitmap.set(head, head + 1);
    scan.begin(bitmap);
    scan.counts.fill(0);
    scan.scan(chunk, 1);
    const pageClass = scan.clearedClass;
    if (pageClass && scan.nextPfn > pfn) return { head, pages: scan.nextPfn - head, pageClass };
  }
  return undefined;
}

function rangeOf(memMap: MemMap, pfn: number): MemMapRange | undefined {
  return memMap.ranges.find((range) => pfn >= range.firstPfn && pfn < range.endPfn);
}

function structPage(
  { facts: { layout, littleEndian }, structPages }: KnownPages,
  range: MemMapRange,
  pfn: number,
): PageExplanation['structPage'] {
  const chunk = structPages.pair(range, pfn);
  if (!chunk) return undefined;
  const view = new DataView(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength);
  return {
    flags: view.getBigUint64(layout.flags, littleEndian),
    mapping: view.getBigUint64(layout.mapping, littleEndian),
    mapcount: view.getInt32(layout.mapcount, littleEndian),
  };
}
