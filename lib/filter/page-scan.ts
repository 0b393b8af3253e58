import { native } from '../access/native.ts';
import type { Field, PageLayout } from '../kernel/page-layout.ts';
import type { StructPageChunk } from '../kernel/struct-pages.ts';
import { PageBitmap } from './bitmap.ts';
import { LEVEL_CACHE, LEVEL_CACHE_PRIVATE, LEVEL_FREE, LEVEL_USER } from './dump-level.ts';
import { PAGE_CLASSES, type PageClass } from './page-class.ts';
import {
  ANON,
  BUDDY_FLAG,
  BUDDY_TYPE,
  COMBINATIONS,
  HEAD,
  LRU,
  OFFLINE,
  type PageTests,
  POISONED,
  PRIVATE,
  pageTests,
  SLAB_FLAG,
  SLAB_TYPE,
  SWAPCACHE,
  TAIL,
  UNACCEPTED,
  type WordTest,
} from './page-tests.ts';

/** Orders above are no orders: 16 GiB, the largest hugetlb page of any architecture, is 22 with 4 KiB pages. */
export const ORDER_LIMIT = 22;

const CLASS_CACHE = PAGE_CLASSES.indexOf('cache');
const CLASS_CACHE_PRIVATE = PAGE_CLASSES.indexOf('cachePrivate');
const CLASS_USER = PAGE_CLASSES.indexOf('user');
const CLASS_FREE = PAGE_CLASSES.indexOf('free');
const CLASS_HWPOISON = PAGE_CLASSES.indexOf('hwpoison');
const CLASS_OFFLINE = PAGE_CLASSES.indexOf('offline');

/** The verdict that keeps a page; every other one is a class and, above its bits, the order of the block it is for. */
const KEEP = -1;
const CLASS_BITS = 3;
const CLASS_MASK = (1 << CLASS_BITS) - 1;

/** What a page's own words can't decide: the first of a free block, of memory that was not accepted yet, or of a compound page. */
const FREE_BLOCK = CLASS_MASK + 1;
const UNACCEPTED_BLOCK = CLASS_MASK + 2;
const COMPOUND = CLASS_MASK + 3;
/** What was not judged yet. */
const UNKNOWN = CLASS_MASK + 4;

/** Runs of pages that pass the same tests, as Native.recordRuns fills them in: so many are judged at a time. */
const RUNS = new Int32Array(2 * 4096);

/** What decides about a page, beside its struct page. */
interface Rules {
  readonly layout: PageLayout;
  readonly littleEndian: boolean;
  readonly words: PageTests;
  readonly dropCache: boolean;
  readonly dropPrivate: boolean;
  readonly dropUser: boolean;
  readonly dropFree: boolean;
}

/**
 * Decides from struct pages which pages a dump level leaves out, and clears their bits. The rules are those of
 * makedumpfile: docs/page-rules.md has them with the differences.
 */
export class PageScan {
  /** Pages cleared, by index in PAGE_CLASSES. */
  readonly counts = new Float64Array(PAGE_CLASSES.length);
  #next = 0;
  /** Index in PAGE_CLASSES of the last block that was cleared. */
  #blockClass = 0;
  readonly #rules: Rules;
  /** What was decided about pages that pass the same tests. */
  readonly #verdicts = new Int8Array(COMBINATIONS).fill(UNKNOWN);
  #bitmap = new PageBitmap(0);
  #collected: readonly (PageBitmap | undefined)[] = [];

  constructor(layout: PageLayout, littleEndian: boolean, level: number) {
    this.#rules = {
      layout,
      littleEndian,
      words: pageTests(layout, littleEndian),
      dropCache: (level & LEVEL_CACHE) !== 0,
      dropPrivate: (level & LEVEL_CACHE_PRIVATE) !== 0,
      dropUser: (level & LEVEL_USER) !== 0,
      dropFree: (level & LEVEL_FREE) !== 0,
    };
  }

  /** The first pfn that no page judged so far covers. */
  get nextPfn(): number {
    return this.#next;
  }

  /** The class that was cleared first since `counts` was last filled with zeros. */
  get clearedClass(): PageClass | undefined {
    return PAGE_CLASSES.find((_, index) => this.counts[index]! > 0);
  }

  /**
   * What is judged from now on has its bits in `bitmap`, which lies behind those before. `collected` get the bits of the
   * pages that are cleared for their class. A block that began in the bitmap before goes on in this one.
   */
  begin(bitmap: PageBitmap, collected: ReadonlyMap<PageClass, PageBitmap> = new Map()): void {
    this.#bitmap = bitmap;
    this.#collected = PAGE_CLASSES.map((name) => collected.get(name));
    if (this.#next > bitmap.firstPfn)
      this.#clear(this.#blockClass, bitmap.firstPfn, this.#next - bitmap.firstPfn);
  }

  /**
   * Judges the first `judged` pages of a chunk, those whose bits are set. Chunks come ascending, and begin within the
   * bitmap. Every struct page of the machine passes here, and 2 GiB of memory have been judged before a loop is compiled:
   * the addon groups pages that are alike, and what is done here is done for a group.
   */
  scan(chunk: StructPageChunk, judged = chunk.count): void {
    const { tests } = this.#rules.words;
    const bytes = chunk.bytes.subarray(chunk.firstWord * 4);
    const end = chunk.firstPfn + judged;
    let pfn = Math.max(chunk.firstPfn, this.#next);
    while (pfn < end) {
      const runs = native().recordRuns(bytes, pfn - chunk.firstPfn, judged, tests, RUNS);
      pfn = this.#judgeRuns(chunk, pfn, runs);
    }
    this.#next = pfn;
  }

  /** Judges the first `runs` runs of RUNS, from pfn `first` on. Returns the pfn behind the last one that was decided on. */
  #judgeRuns(chunk: StructPageChunk, first: number, runs: number): number {
    const rules = this.#rules;
    const verdicts = this.#verdicts;
    let pfn = first;
    /** Behind the last block. */
    let next = first;
    for (let i = 0; i < runs; i++) {
      const passed = RUNS[2 * i]!;
      const from = Math.max(pfn, next);
      pfn += RUNS[2 * i + 1]!;
      if (from >= pfn) continue;
      let verdict = verdicts[passed]!;
      if (verdict === UNKNOWN) verdict = verdicts[passed] = judge(rules, passed);
      if (verdict === KEEP) continue;
      if (verdict > CLASS_MASK) {
        if (this.#bitmap.has(from)) next = this.#judgeBlock(chunk, verdict, passed, from);
      } else this.#clear(verdict, from, pfn - from);
    }
    return Math.max(pfn, next);
  }

  /** Judges the block that begins with page `pfn`. Returns the pfn behind it, or behind the page where there is no block. */
  #judgeBlock(chunk: StructPageChunk, what: number, passed: number, pfn: number): number {
    const rules = this.#rules;
    const at = chunk.firstWord + (pfn - chunk.firstPfn) * rules.words.stride;
    const verdict = blockVerdict(rules, chunk, what, passed, at, pfn);
    if (verdict === KEEP) return pfn + 1;
    const pages = 1 << (verdict >> CLASS_BITS);
    this.#blockClass = verdict & CLASS_MASK;
    this.#clear(this.#blockClass, pfn, pages);
    return pfn + pages;
  }

  #clear(index: number, firstPfn: number, pages: number): void {
    const into = this.#collected[index];
    if (into) copySet(this.#bitmap, into, firstPfn, pages);
    this.counts[index]! += this.#bitmap.clear(firstPfn, firstPfn + pages);
  }
}

/** Remembers the pages of a block that are about to be cleared, which are those whose bits are still set. */
function copySet(bitmap: PageBitmap, into: PageBitmap, first: number, pages: number): void {
  const end = first + pages;
  for (let from = bitmap.nextSet(first); from >= 0 && from < end; ) {
    const to = Math.min(bitmap.nextClear(from), end);
    into.set(from, to);
    from = bitmap.nextSet(to);
  }
}

/** The rules, in their order: the first that holds decides. A class, KEEP, or what has to be looked at more closely. */
function judge(rules: Rules, passed: number): number {
  // Its head decided on a tail, but reading a poisoned page inside a kept compound page can be a machine check.
  if ((passed & TAIL) !== 0) return (passed & POISONED) !== 0 ? CLASS_HWPOISON : KEEP;
  if (rules.dropFree && !isSlab(passed)) {
    if ((passed & (BUDDY_FLAG | BUDDY_TYPE)) !== 0) return FREE_BLOCK;
    if ((passed & UNACCEPTED) !== 0) return UNACCEPTED_BLOCK;
  }
  return (passed & HEAD) !== 0 ? COMPOUND : classOf(rules, passed, false);
}

/** The verdict on the block that begins with the page at word `at`. */
function blockVerdict(
  rules: Rules,
  chunk: StructPageChunk,
  what: number,
  passed: number,
  at: number,
  pfn: number,
): number {
  if (what === FREE_BLOCK) return freeBlock(pfn, buddyOrder(rules, chunk.words, at));
  if (what === UNACCEPTED_BLOCK) return freeBlock(pfn, rules.layout.freeOrders - 1);
  const hugetlb = rules.dropUser && isHugetlb(rules, chunk, at, pfn);
  const verdict = classOf(rules, passed, hugetlb);
  return verdict === KEEP ? KEEP : verdict | (compoundOrder(rules, chunk, at, pfn) << CLASS_BITS);
}

/** The class of pages that are not free and that the level leaves out, or KEEP. */
function classOf(rules: Rules, passed: number, hugetlb: boolean): number {
  const slab = isSlab(passed);
  const anon = (passed & ANON) !== 0 && !slab;
  const inCache = (passed & (LRU | SWAPCACHE)) !== 0;
  const hasPrivate = (passed & PRIVATE) !== 0;
  if (rules.dropCache && inCache && !hasPrivate && !anon) return CLASS_CACHE;
  if (rules.dropPrivate && inCache && !anon) return hasPrivate ? CLASS_CACHE_PRIVATE : CLASS_CACHE;
  if (rules.dropUser && (anon || hugetlb)) return CLASS_USER;
  if ((passed & POISONED) !== 0) return CLASS_HWPOISON;
  return !slab && (passed & OFFLINE) !== 0 ? CLASS_OFFLINE : KEEP;
}

function isSlab(passed: number): boolean {
  return (passed & (SLAB_FLAG | SLAB_TYPE)) !== 0;
}

/** The order of a free block, from page.private; -1 when that holds none. */
function buddyOrder(rules: Rules, words: Int32Array, at: number): number {
  const { private: offset, freeOrders } = rules.layout;
  if (offset === undefined) return 0;
  const word = at + offset / 4;
  const low = rules.words.value(words[rules.littleEndian ? word : word + 1]!);
  const high = words[rules.littleEndian ? word + 1 : word]!;
  return high === 0 && low < freeOrders ? low : -1;
}

/** The order of a compound page, from the page behind its head; 0 where none can be found that fits the pfn. */
function compoundOrder(rules: Rules, chunk: StructPageChunk, at: number, pfn: number): number {
  const rule = rules.layout.order;
  if (!rule || !hasSecondPage(chunk, pfn)) return 0;
  const second = at + rules.words.stride;
  const order =
    rule.from === 'field'
      ? readField(rules, chunk, second, rule.field)
      : rules.words.value(chunk.words[second + rules.words.flags]!) & 0xff;
  return order <= ORDER_LIMIT && pfn % 2 ** order === 0 ? order : 0;
}

/** True for the head of a hugetlb page. */
function isHugetlb(rules: Rules, chunk: StructPageChunk, at: number, pfn: number): boolean {
  const rule = rules.layout.hugetlb;
  if (!rule || !hasSecondPage(chunk, pfn)) return false;
  const { stride, flags, mapcount, hugetlb, hugetlbType } = rules.words;
  if (rule.by === 'flag') return holds(hugetlb, chunk.words[at + stride + flags]!);
  if (rule.by === 'type') return holds(hugetlbType, chunk.words[at + mapcount]!);
  return readAddress(rules, chunk, at + stride, rule.field) === rule.value;
}

function holds({ mask, value }: WordTest, word: number): boolean {
  return (word & mask) === value;
}

/** The number in a field of the struct page at word `at`. What does not fit 53 bits is larger than any order. */
function readField(rules: Rules, chunk: StructPageChunk, at: number, field: Field): number {
  return Number(readAddress(rules, chunk, at, field));
}

function readAddress(rules: Rules, chunk: StructPageChunk, at: number, field: Field): bigint {
  const start = at * 4 + field.offset;
  let value = 0n;
  for (let i = 0; i < field.bytes; i++) {
    value =
      (value << 8n) | BigInt(chunk.bytes[rules.littleEndian ? start + field.bytes - 1 - i : start + i]!);
  }
  return value;
}

/** Free blocks are aligned to their length: what is not is none, or a broken one. */
function freeBlock(pfn: number, order: number): number {
  return order >= 0 && pfn % (1 << order) === 0 ? CLASS_FREE | (order << CLASS_BITS) : KEEP;
}

/** Whether `pfn` can be a compound head, which is even, and the struct page behind it is in the chunk. */
function hasSecondPage(chunk: StructPageChunk, pfn: number): boolean {
  return pfn % 2 === 0 && pfn + 1 < chunk.firstPfn + chunk.count;
}
