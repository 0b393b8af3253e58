import type { Field, PageLayout } from '../kernel/page-layout.ts';
import type { StructPageChunk } from '../kernel/struct-pages.ts';
import { PageBitmap } from './bitmap.ts';
import { LEVEL_CACHE, LEVEL_CACHE_PRIVATE, LEVEL_FREE, LEVEL_USER } from './dump-level.ts';
import { PAGE_CLASSES, type PageClass } from './page-class.ts';
import { type PageWords, pageWords } from './page-words.ts';

/** Orders above are no orders: 16 GiB, the largest hugetlb page of any architecture, is 22 with 4 KiB pages. */
export const ORDER_LIMIT = 22;

const CACHE = PAGE_CLASSES.indexOf('cache');
const CACHE_PRIVATE = PAGE_CLASSES.indexOf('cachePrivate');
const USER = PAGE_CLASSES.indexOf('user');
const FREE = PAGE_CLASSES.indexOf('free');
const HWPOISON = PAGE_CLASSES.indexOf('hwpoison');
const OFFLINE = PAGE_CLASSES.indexOf('offline');

/** The verdict that keeps a page; every other one is a class and, above its bits, the order of the block it is for. */
const KEEP = -1;
const CLASS_BITS = 3;
const CLASS_MASK = (1 << CLASS_BITS) - 1;

/** What its own words can't decide about a page: the first of a free block, of memory that was not accepted yet, or of a compound page. */
const BUDDY = CLASS_MASK + 1;
const UNACCEPTED = CLASS_MASK + 2;
const HEAD = CLASS_MASK + 3;

/** What decides about a page, beside its struct page. */
interface Rules {
  readonly layout: PageLayout;
  readonly littleEndian: boolean;
  readonly words: PageWords;
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
  #bitmap = new PageBitmap(0);
  #collected: readonly (PageBitmap | undefined)[] = [];

  constructor(layout: PageLayout, littleEndian: boolean, level: number) {
    this.#rules = {
      layout,
      littleEndian,
      words: pageWords(layout, littleEndian),
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
   * bitmap. Runs over every struct page of the machine: nothing in it allocates, and what is left out most often, single
   * pages, is cleared without a call.
   */
  scan(chunk: StructPageChunk, judged = chunk.count): void {
    const first = Math.max(chunk.firstPfn, this.#next);
    this.#next = this.#scanFrom(first, chunk.firstPfn + judged, chunk);
  }

  /**
   * Returns the pfn behind the last one that was decided on. All that the loop needs is in variables, because a core of
   * 2 GiB is judged before it is compiled. Neighbours are often alike: what the words of a page decided holds for the
   * next one with the same words.
   */
  #scanFrom(first: number, end: number, chunk: StructPageChunk): number {
    const { counts } = this;
    const rules = this.#rules;
    const bitmap = this.#bitmap;
    const basePfn = bitmap.firstPfn;
    const { words, firstPfn } = chunk;
    const {
      stride,
      flags: flagsAt,
      mapcount: typeAt,
      mapping: mappingAt,
      compoundHead: tailAt,
    } = rules.words;
    const { tail, anon, hwpoison } = rules.words;
    const bits = bitmap.bytes;
    const collected = this.#collected;
    // pfns outgrow 32 bits at 16 TiB; within a chunk, bits are counted from a byte of the bitmap on.
    const firstByte = Math.floor((firstPfn - basePfn) / 8);
    const bytePfn = basePfn + firstByte * 8;
    let lastFlags = 0;
    let lastType = 0;
    let lastAnon = -1;
    let lastVerdict = KEEP;
    let pfn = first;
    for (let at = chunk.firstWord + (pfn - firstPfn) * stride; pfn < end; pfn++, at += stride) {
      const bit = pfn - bytePfn;
      const byte = firstByte + (bit >>> 3);
      const mask = 1 << (bit & 7);
      if ((bits[byte]! & mask) === 0) continue;
      const flags = words[at + flagsAt]!;
      let verdict = HWPOISON;
      if ((words[at + tailAt]! & tail) !== 0) {
        // Its head decided on a tail, but reading a poisoned page inside a kept compound page can be a machine check.
        if ((flags & hwpoison) === 0) continue;
      } else {
        const type = words[at + typeAt]!;
        const isAnon = words[at + mappingAt]! & anon;
        if (flags !== lastFlags || type !== lastType || isAnon !== lastAnon) {
          lastFlags = flags;
          lastType = type;
          lastAnon = isAnon;
          lastVerdict = judge(rules, flags, type, isAnon !== 0);
        }
        verdict = lastVerdict;
        if (verdict > CLASS_MASK) verdict = judgeBlock(rules, chunk, verdict, at, pfn);
        if (verdict === KEEP) continue;
      }
      const index = verdict & CLASS_MASK;
      const pages = 1 << (verdict >> CLASS_BITS);
      if (pages === 1 && !collected[index]) {
        bits[byte]! &= ~mask;
        counts[index]!++;
        continue;
      }
      this.#clear(index, pfn, pages);
      this.#blockClass = index;
      pfn += pages - 1;
      at += (pages - 1) * stride;
    }
    return pfn;
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
function judge(rules: Rules, flags: number, type: number, isAnon: boolean): number {
  const w = rules.words;
  if (rules.dropFree && !isSlab(w, flags, type)) {
    if ((flags & w.buddy) !== 0 || (type & w.buddyType.mask) === w.buddyType.value) return BUDDY;
    if ((type & w.unacceptedType.mask) === w.unacceptedType.value) return UNACCEPTED;
  }
  return (flags & w.head) !== 0 ? HEAD : classOf(rules, flags, type, isAnon, false);
}

/** The verdict on the block that begins with the page at word `at`. */
function judgeBlock(rules: Rules, chunk: StructPageChunk, what: number, at: number, pfn: number): number {
  const { words } = chunk;
  if (what === BUDDY) return freeBlock(pfn, buddyOrder(rules, words, at));
  if (what === UNACCEPTED) return freeBlock(pfn, rules.layout.freeOrders - 1);
  const { flags, mapcount, mapping, anon } = rules.words;
  const isAnon = (words[at + mapping]! & anon) !== 0;
  const hugetlb = rules.dropUser && isHugetlb(rules, chunk, at, pfn);
  const verdict = classOf(rules, words[at + flags]!, words[at + mapcount]!, isAnon, hugetlb);
  return verdict === KEEP ? KEEP : verdict | (compoundOrder(rules, chunk, at, pfn) << CLASS_BITS);
}

/** The class of pages that are not free and that the level leaves out, or KEEP. */
function classOf(rules: Rules, flags: number, type: number, isAnon: boolean, hugetlb: boolean): number {
  const w = rules.words;
  const slab = isSlab(w, flags, type);
  const anon = isAnon && !slab;
  const inCache = (flags & w.lru) !== 0 || (flags & w.swapcache) === w.swapcache;
  const hasPrivate = (flags & w.privateFlag) !== 0;
  if (rules.dropCache && inCache && !hasPrivate && !anon) return CACHE;
  if (rules.dropPrivate && inCache && !anon) return hasPrivate ? CACHE_PRIVATE : CACHE;
  if (rules.dropUser && (anon || hugetlb)) return USER;
  if ((flags & w.hwpoison) !== 0) return HWPOISON;
  return !slab && (type & w.offlineType.mask) === w.offlineType.value ? OFFLINE : KEEP;
}

function isSlab(w: PageWords, flags: number, type: number): boolean {
  return (flags & w.slab) !== 0 || (type & w.slabType.mask) === w.slabType.value;
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
  if (rule.by === 'flag') return (chunk.words[at + stride + flags]! & hugetlb) !== 0;
  if (rule.by === 'type') return (chunk.words[at + mapcount]! & hugetlbType.mask) === hugetlbType.value;
  return readAddress(rules, chunk, at + stride, rule.field) === rule.value;
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
  return order >= 0 && pfn % (1 << order) === 0 ? FREE | (order << CLASS_BITS) : KEEP;
}

/** Whether `pfn` can be a compound head, which is even, and the struct page behind it is in the chunk. */
function hasSecondPage(chunk: StructPageChunk, pfn: number): boolean {
  return pfn % 2 === 0 && pfn + 1 < chunk.firstPfn + chunk.count;
}
