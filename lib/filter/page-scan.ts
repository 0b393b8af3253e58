import type { Field, PageLayout } from '../kernel/page-layout.ts';
import type { StructPageChunk } from '../kernel/struct-pages.ts';
import type { PageBitmap } from './bitmap.ts';
import { LEVEL_CACHE, LEVEL_CACHE_PRIVATE, LEVEL_FREE, LEVEL_USER } from './dump-level.ts';
import { PAGE_CLASSES, type PageClass } from './page-class.ts';

/** Orders above are no orders: 16 GiB, the largest hugetlb page of any architecture, is 22 with 4 KiB pages. */
const ORDER_LIMIT = 22;
/** PAGE_MAPPING_ANON, in the lowest bit of page.mapping (include/linux/page-flags.h). */
const MAPPING_ANON = 1;
/** page.compound_head of a tail has bit 0 set (include/linux/page-flags.h). */
const COMPOUND_TAIL = 1;
/** Since 6.12 a page type is the top byte of page_type; what lies below may be data (include/linux/page-flags.h). */
const TYPE_BYTE = 0xff000000;

const HOST_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

const CACHE = PAGE_CLASSES.indexOf('cache');
const CACHE_PRIVATE = PAGE_CLASSES.indexOf('cachePrivate');
const USER = PAGE_CLASSES.indexOf('user');
const FREE = PAGE_CLASSES.indexOf('free');
const HWPOISON = PAGE_CLASSES.indexOf('hwpoison');
const OFFLINE = PAGE_CLASSES.indexOf('offline');

/** A bit of a struct page as it appears in one of its 32-bit words on this machine. An absent bit has mask 0. */
interface Bit {
  readonly word: number;
  readonly mask: number;
}

/** A page type as it appears in the word of _mapcount on this machine. An absent type never matches. */
interface Type {
  readonly mask: number;
  readonly value: number;
}

/**
 * Decides from struct pages which pages a dump level leaves out, and clears their bits. The rules are those of
 * makedumpfile (docs/page-rules.md has them with the differences). Byte order is settled once: masks and values are
 * swapped, never the data.
 */
export class PageScan {
  /** Pages cleared, by index in PAGE_CLASSES. */
  readonly counts = new Float64Array(PAGE_CLASSES.length);
  /** The first pfn that a page decided on before does not cover. */
  #next = 0;
  readonly #layout: PageLayout;
  readonly #littleEndian: boolean;
  readonly #swapped: boolean;
  readonly #level: number;
  readonly #collect: { readonly index: number; readonly into: PageBitmap } | undefined;

  /** `collect` gets the bits of the pages that are cleared for one class; its bit 0 is that of the bitmap. */
  constructor(
    layout: PageLayout,
    littleEndian: boolean,
    level: number,
    collect?: { readonly pageClass: PageClass; readonly into: PageBitmap },
  ) {
    this.#collect = collect && { index: PAGE_CLASSES.indexOf(collect.pageClass), into: collect.into };
    this.#layout = layout;
    this.#littleEndian = littleEndian;
    this.#swapped = littleEndian !== HOST_LITTLE_ENDIAN;
    this.#level = level;
  }

  /** The class that was cleared first since `counts` was last filled with zeros. */
  get clearedClass(): PageClass | undefined {
    return PAGE_CLASSES.find((_, index) => this.counts[index]! > 0);
  }

  /**
   * Judges the first `judged` pages of a chunk, those whose bits are set in `bitmap`; its bit 0 is `basePfn`. Chunks
   * come ascending.
   * Runs over every struct page of the machine: 3 to 5 ns a page, so no calls and no allocation for one that is kept.
   */
  scan(chunk: StructPageChunk, bitmap: PageBitmap, basePfn = 0, judged = chunk.count): void {
    const layout = this.#layout;
    const level = this.#level;
    const { words, firstPfn } = chunk;
    const bits = bitmap.bytes;
    const stride = layout.size / 4;

    const lru = this.#flag(layout.lru);
    const privateBit = this.#flag(layout.privateFlag);
    const swapcache = this.#flag(layout.swapcache);
    const swapbacked = this.#flag(layout.swapbacked);
    const slabBit = this.#flag(layout.slabType === undefined ? layout.slabFlag : undefined);
    const poison = this.#flag(layout.hwpoison);
    const buddyBit = this.#flag(layout.buddyType === undefined ? layout.buddyFlag : undefined);
    const anonBit = this.#bit(layout.mapping, MAPPING_ANON);
    const tailBit = this.#bit(layout.compoundHead, COMPOUND_TAIL);
    const headBit = this.#bit(layout.flags, layout.headMask);
    const mapcountWord = layout.mapcount / 4;
    const slabType = this.#type(layout.slabType);
    const buddyType = this.#type(layout.private === undefined ? undefined : layout.buddyType);
    const offlineType = this.#type(layout.offlineType);
    const unacceptedType = this.#type(layout.unacceptedType);
    const collected = this.#collect?.index;
    const dropFree = (level & LEVEL_FREE) !== 0;

    // pfns outgrow 32 bits at 16 TiB; within a chunk, bits are counted from a byte of the bitmap on.
    const firstByte = Math.floor((firstPfn - basePfn) / 8);
    const bytePfn = basePfn + firstByte * 8;
    const end = firstPfn + judged;
    let pfn = Math.max(firstPfn, this.#next);
    let at = chunk.firstWord + (pfn - firstPfn) * stride;
    for (; pfn < end; pfn++, at += stride) {
      const bit = pfn - bytePfn;
      if ((bits[firstByte + (bit >>> 3)]! & (1 << (bit & 7))) === 0) continue;
      const poisoned = (words[at + poison.word]! & poison.mask) !== 0;
      if ((words[at + tailBit.word]! & tailBit.mask) !== 0) {
        // A poisoned page inside a kept compound page: reading it can be a machine check.
        if (!poisoned) continue;
        bits[firstByte + (bit >>> 3)]! &= ~(1 << (bit & 7));
        this.counts[HWPOISON]!++;
        if (collected === HWPOISON) this.#collect!.into.set(pfn - basePfn, pfn - basePfn + 1);
        continue;
      }
      const type = words[at + mapcountWord]!;
      const slab =
        (words[at + slabBit.word]! & slabBit.mask) !== 0 || (type & slabType.mask) === slabType.value;
      let order = 0;
      let pageClass = -1;
      if (dropFree && !slab) {
        if (
          (type & buddyType.mask) === buddyType.value ||
          (words[at + buddyBit.word]! & buddyBit.mask) !== 0
        ) {
          order = this.#buddyOrder(chunk, pfn);
          pageClass = FREE;
        } else if ((type & unacceptedType.mask) === unacceptedType.value) {
          order = layout.freeOrders - 1;
          pageClass = FREE;
        }
        // Free blocks are aligned to their length; what is not is none, or a broken one.
        if (order < 0 || pfn % (1 << order) !== 0) continue;
      }
      if (pageClass < 0) {
        const head = (words[at + headBit.word]! & headBit.mask) !== 0;
        const anon = (words[at + anonBit.word]! & anonBit.mask) !== 0 && !slab;
        const inCache =
          (words[at + lru.word]! & lru.mask) !== 0 ||
          ((words[at + swapcache.word]! & swapcache.mask) !== 0 &&
            (swapbacked.mask === 0 || (words[at + swapbacked.word]! & swapbacked.mask) !== 0));
        const hasPrivate = (words[at + privateBit.word]! & privateBit.mask) !== 0;
        if ((level & LEVEL_CACHE) !== 0 && inCache && !hasPrivate && !anon) pageClass = CACHE;
        else if ((level & LEVEL_CACHE_PRIVATE) !== 0 && inCache && !anon) {
          pageClass = hasPrivate ? CACHE_PRIVATE : CACHE;
        } else if ((level & LEVEL_USER) !== 0 && (anon || (head && this.#isHugetlb(chunk, pfn))))
          pageClass = USER;
        else if (poisoned) pageClass = HWPOISON;
        else if (!slab && (type & offlineType.mask) === offlineType.value) pageClass = OFFLINE;
        else continue;
        if (head) order = this.#compoundOrder(chunk, pfn);
      }
      const pages = 1 << order;
      if (pageClass === collected) this.#collectSet(bitmap, pfn, pfn + pages, basePfn);
      if (order === 0) {
        bits[firstByte + (bit >>> 3)]! &= ~(1 << (bit & 7));
        this.counts[pageClass]!++;
        continue;
      }
      this.counts[pageClass]! += bitmap.clear(pfn - basePfn, pfn - basePfn + pages);
      pfn += pages - 1;
      at += (pages - 1) * stride;
    }
    this.#next = pfn;
  }

  /** Collects those of the pages from `pfn` to `end` - 1 that are about to be cleared. */
  #collectSet(bitmap: PageBitmap, pfn: number, end: number, basePfn: number): void {
    const { into } = this.#collect!;
    const last = end - basePfn;
    for (let from = bitmap.nextSet(pfn - basePfn); from >= 0 && from < last; ) {
      const to = Math.min(bitmap.nextClear(from), last);
      into.set(from, to);
      from = bitmap.nextSet(to);
    }
  }

  /** The order of a free block, or -1 when page.private holds no order. */
  #buddyOrder(chunk: StructPageChunk, pfn: number): number {
    const { private: offset, freeOrders } = this.#layout;
    if (offset === undefined) return 0;
    const order = this.#read(chunk, pfn, { offset, bytes: 8 });
    return order < freeOrders ? order : -1;
  }

  /** The order of a compound page, from the page behind its head; 0 where none can be found that fits the pfn. */
  #compoundOrder(chunk: StructPageChunk, pfn: number): number {
    const rule = this.#layout.order;
    if (!rule || !hasSecondPage(chunk, pfn)) return 0;
    const order =
      rule.from === 'field'
        ? this.#read(chunk, pfn + 1, rule.field)
        : this.#read(chunk, pfn + 1, this.#lowByte(this.#layout.flags));
    return order <= ORDER_LIMIT && pfn % 2 ** order === 0 ? order : 0;
  }

  /** True for the head of a hugetlb page. */
  #isHugetlb(chunk: StructPageChunk, pfn: number): boolean {
    const rule = this.#layout.hugetlb;
    if (!rule || !hasSecondPage(chunk, pfn)) return false;
    if (rule.by === 'dtor') return this.#readWide(chunk, pfn + 1, rule.field) === rule.value;
    if (rule.by === 'flag') {
      const flag = this.#flag(rule.bit);
      return (chunk.words[this.#wordOf(chunk, pfn + 1) + flag.word]! & flag.mask) !== 0;
    }
    const type = this.#type(rule.value);
    return (chunk.words[this.#wordOf(chunk, pfn) + this.#layout.mapcount / 4]! & type.mask) === type.value;
  }

  /** The lowest byte of the unsigned long at `offset`. */
  #lowByte(offset: number): Field {
    return { offset: this.#littleEndian ? offset : offset + 7, bytes: 1 };
  }

  #wordOf(chunk: StructPageChunk, pfn: number): number {
    return chunk.firstWord + ((pfn - chunk.firstPfn) * this.#layout.size) / 4;
  }

  /** A small number in a field; what does not fit 53 bits is too large for anything anyway. */
  #read(chunk: StructPageChunk, pfn: number, field: Field): number {
    return Number(this.#readWide(chunk, pfn, field));
  }

  #readWide(chunk: StructPageChunk, pfn: number, { offset, bytes }: Field): bigint {
    const start = this.#wordOf(chunk, pfn) * 4 + offset;
    let value = 0n;
    for (let i = 0; i < bytes; i++) {
      value = (value << 8n) | BigInt(chunk.bytes[this.#littleEndian ? start + bytes - 1 - i : start + i]!);
    }
    return value;
  }

  /** A bit of page.flags by number. */
  #flag(bit: number | undefined): Bit {
    return bit === undefined ? { word: 0, mask: 0 } : this.#bit(this.#layout.flags, 2 ** bit);
  }

  /** Bits of the 64-bit field at `offset`; `value` has them all in one 32-bit half. */
  #bit(offset: number | undefined, value: number): Bit {
    if (offset === undefined) return { word: 0, mask: 0 };
    const high = value >= 2 ** 32;
    const mask = high ? value / 2 ** 32 : value;
    return { word: offset / 4 + (high === this.#littleEndian ? 1 : 0), mask: this.#toHost(mask) };
  }

  #type(value: number | undefined): Type {
    if (value === undefined) return { mask: 0, value: -1 };
    const mask = (value & ~TYPE_BYTE) === 0 ? TYPE_BYTE : -1;
    return { mask: this.#toHost(mask), value: this.#toHost(value) };
  }

  /** A 32-bit pattern as it appears in `words`. */
  #toHost(word: number): number {
    if (!this.#swapped) return word | 0;
    return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }
}

/** Whether `pfn` can be a compound head, which is aligned, and the page behind it is in the chunk. */
function hasSecondPage(chunk: StructPageChunk, pfn: number): boolean {
  return pfn % 2 === 0 && pfn + 1 < chunk.firstPfn + chunk.count;
}
