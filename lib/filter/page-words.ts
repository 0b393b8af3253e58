import type { PageLayout } from '../kernel/page-layout.ts';

/** PAGE_MAPPING_ANON, in the lowest bit of page.mapping (include/linux/page-flags.h). */
const MAPPING_ANON = 1;
/** page.compound_head of a tail has bit 0 set (include/linux/page-flags.h). */
const COMPOUND_TAIL = 1;
/** Since 6.12 a page type is the top byte of page_type; what lies below may be data (include/linux/page-flags.h). */
const TYPE_BYTE = 0xff000000;

const HOST_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** A page type as it appears in the word of _mapcount: `(word & mask) === value`. An absent type never matches. */
export interface TypeWord {
  readonly mask: number;
  readonly value: number;
}

/**
 * struct page as 32-bit words of this machine: which word of it holds a field's low half, and what its bits look like
 * there. Byte order is settled here once: masks and values are swapped, never the data.
 */
export interface PageWords {
  /** Words of a struct page. */
  readonly stride: number;
  /** Words that hold a field, or its low half. */
  readonly flags: number;
  readonly mapping: number;
  readonly mapcount: number;
  readonly compoundHead: number;
  /** Bits of `flags`; 0 where the kernel has no such bit. */
  readonly lru: number;
  readonly privateFlag: number;
  /** PG_swapcache, with PG_swapbacked where that is: all of them must be set. */
  readonly swapcache: number;
  readonly slab: number;
  readonly hwpoison: number;
  readonly buddy: number;
  readonly head: number;
  readonly hugetlb: number;
  /** Bits of `mapping` and of `compoundHead`. */
  readonly anon: number;
  readonly tail: number;
  /** Types in `mapcount`. */
  readonly buddyType: TypeWord;
  readonly slabType: TypeWord;
  readonly offlineType: TypeWord;
  readonly unacceptedType: TypeWord;
  readonly hugetlbType: TypeWord;
  /** The number in a word of struct page. */
  value(word: number): number;
}

export function pageWords(layout: PageLayout, littleEndian: boolean): PageWords {
  const swapped = littleEndian !== HOST_LITTLE_ENDIAN;
  const word = (value: number): number => (swapped ? swap(value) : value | 0);
  const bit = (number: number | undefined): number => (number === undefined ? 0 : word(1 << number));
  const low = (offset: number): number => offset / 4 + (littleEndian ? 0 : 1);
  const type = (value: number | undefined): TypeWord => {
    if (value === undefined) return { mask: 0, value: -1 };
    return { mask: word((value & ~TYPE_BYTE) === 0 ? TYPE_BYTE : -1), value: word(value) };
  };
  const { compoundHead, hugetlb } = layout;
  return {
    stride: layout.size / 4,
    flags: low(layout.flags),
    mapping: low(layout.mapping),
    mapcount: layout.mapcount / 4,
    compoundHead: low(compoundHead ?? layout.flags),
    lru: bit(layout.lru),
    privateFlag: bit(layout.privateFlag),
    swapcache: bit(layout.swapcache) | bit(layout.swapbacked),
    slab: layout.slabType === undefined ? bit(layout.slabFlag) : 0,
    hwpoison: bit(layout.hwpoison),
    buddy: layout.buddyType === undefined ? bit(layout.buddyFlag) : 0,
    head: word(layout.headMask),
    hugetlb: hugetlb?.by === 'flag' ? bit(hugetlb.bit) : 0,
    anon: word(MAPPING_ANON),
    tail: compoundHead === undefined ? 0 : word(COMPOUND_TAIL),
    buddyType: type(layout.private === undefined ? undefined : layout.buddyType),
    slabType: type(layout.slabType),
    offlineType: type(layout.offlineType),
    unacceptedType: type(layout.unacceptedType),
    hugetlbType: type(hugetlb?.by === 'type' ? hugetlb.value : undefined),
    value: (raw) => word(raw) >>> 0,
  };
}

function swap(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
