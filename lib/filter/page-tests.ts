import type { PageLayout } from '../kernel/page-layout.ts';

/** PAGE_MAPPING_ANON, in the lowest bit of page.mapping (include/linux/page-flags.h). */
const MAPPING_ANON = 1;
/** page.compound_head of a tail has bit 0 set (include/linux/page-flags.h). */
const COMPOUND_TAIL = 1;
/** Since 6.12 a page type is the top byte of page_type; what lies below may be data (include/linux/page-flags.h). */
const TYPE_BYTE = 0xff000000;

const HOST_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** What a struct page can pass, a bit each: flags, page types, and the lowest bits of two addresses. */
export const TAIL = 1 << 0;
export const POISONED = 1 << 1;
export const SLAB_FLAG = 1 << 2;
export const SLAB_TYPE = 1 << 3;
export const BUDDY_FLAG = 1 << 4;
export const BUDDY_TYPE = 1 << 5;
export const UNACCEPTED = 1 << 6;
export const HEAD = 1 << 7;
export const LRU = 1 << 8;
/** PG_swapcache, with PG_swapbacked where that is. */
export const SWAPCACHE = 1 << 9;
export const PRIVATE = 1 << 10;
export const ANON = 1 << 11;
export const OFFLINE = 1 << 12;
/** Numbers that can be made of these bits. */
export const COMBINATIONS = 1 << 13;

/** Decided by more than their own words: such a page is looked at by itself. */
const APART = BUDDY_FLAG | BUDDY_TYPE | UNACCEPTED | HEAD;

/** Bits of a word and what they have to be: `(word & mask) === value`. */
export interface WordTest {
  readonly mask: number;
  readonly value: number;
}

/** What a kernel does not have is never passed. */
const NEVER: WordTest = { mask: 0, value: -1 };

/**
 * struct page as 32-bit words of this machine: which word of it holds a field's low half, and what its bits look like
 * there. Byte order is settled here once: masks and values are swapped, never the data.
 */
export interface PageTests {
  /** For Native.recordRuns (types/native.d.ts): bits of its runs are those above. */
  readonly tests: Int32Array;
  /** Words of a struct page. */
  readonly stride: number;
  /** Words that hold a field, or its low half. */
  readonly flags: number;
  readonly mapcount: number;
  /** Of the second page's flags and of the head's `mapcount`: hugetlb. */
  readonly hugetlb: WordTest;
  readonly hugetlbType: WordTest;
  /** The number in a word of struct page. */
  value(word: number): number;
}

export function pageTests(layout: PageLayout, littleEndian: boolean): PageTests {
  const swapped = littleEndian !== HOST_LITTLE_ENDIAN;
  const word = (value: number): number => (swapped ? swap(value) : value | 0);
  const low = (offset: number): number => offset / 4 + (littleEndian ? 0 : 1);
  const all = (mask: number): WordTest => ({ mask: word(mask), value: word(mask) });
  const bit = (number: number | undefined): WordTest => (number === undefined ? NEVER : all(1 << number));
  const type = (value: number | undefined): WordTest => {
    if (value === undefined) return NEVER;
    return { mask: word((value & ~TYPE_BYTE) === 0 ? TYPE_BYTE : -1), value: word(value) };
  };
  const { compoundHead, hugetlb, swapbacked } = layout;
  const stride = layout.size / 4;
  const flags = low(layout.flags);
  const mapcount = layout.mapcount / 4;
  const swapcache = (1 << layout.swapcache) | (swapbacked === undefined ? 0 : 1 << swapbacked);
  /** By their bits, above. */
  const tests: readonly (readonly [word: number, test: WordTest])[] = [
    [low(compoundHead ?? layout.flags), compoundHead === undefined ? NEVER : all(COMPOUND_TAIL)],
    [flags, bit(layout.hwpoison)],
    [flags, layout.slabType === undefined ? bit(layout.slabFlag) : NEVER],
    [mapcount, type(layout.slabType)],
    [flags, layout.buddyType === undefined ? bit(layout.buddyFlag) : NEVER],
    [mapcount, type(layout.private === undefined ? undefined : layout.buddyType)],
    [mapcount, type(layout.unacceptedType)],
    [flags, all(layout.headMask)],
    [flags, bit(layout.lru)],
    [flags, all(swapcache)],
    [flags, bit(layout.privateFlag)],
    [low(layout.mapping), all(MAPPING_ANON)],
    [mapcount, type(layout.offlineType)],
  ];
  return {
    tests: Int32Array.of(stride, APART, ...tests.flatMap(([at, { mask, value }]) => [at, mask, value])),
    stride,
    flags,
    mapcount,
    hugetlb: hugetlb?.by === 'flag' ? bit(hugetlb.bit) : NEVER,
    hugetlbType: type(hugetlb?.by === 'type' ? hugetlb.value : undefined),
    value: (raw) => word(raw) >>> 0,
  };
}

function swap(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
