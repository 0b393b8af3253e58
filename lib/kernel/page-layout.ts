import { VmcoreError } from '../errors.ts';
import type { Vmcoreinfo } from './vmcoreinfo.ts';

/** A field of struct page as it lies in the dead kernel: byte offset and width. */
export interface Field {
  readonly offset: number;
  readonly bytes: 1 | 2 | 4 | 8;
}

/** How a compound head's order is found. Offsets are those of the page behind the head. */
export type OrderRule = { readonly from: 'flags' } | { readonly from: 'field'; readonly field: Field };

/** How a hugetlb head is told from another compound head. Offsets are those of the page behind the head. */
export type HugetlbRule =
  | { readonly by: 'type'; readonly value: number }
  | { readonly by: 'flag'; readonly bit: number }
  | { readonly by: 'dtor'; readonly field: Field; readonly value: bigint };

/**
 * struct page of the dead kernel: which fields, bits and values mean what. Every rule was chosen by which keys
 * VMCOREINFO has, never by the kernel's version, since stable kernels back-port changes. Page types are the 32-bit
 * patterns that `_mapcount` (page_type) holds.
 */
export interface PageLayout {
  /** SIZE(page), in bytes. */
  readonly size: number;
  /** Byte offsets of the fields. */
  readonly flags: number;
  readonly mapping: number;
  readonly mapcount: number;
  readonly private: number | undefined;
  readonly compoundHead: number | undefined;
  /** Bit numbers in `flags`. */
  readonly lru: number;
  readonly privateFlag: number;
  readonly swapcache: number;
  readonly swapbacked: number | undefined;
  readonly slabFlag: number | undefined;
  readonly hwpoison: number | undefined;
  readonly buddyFlag: number | undefined;
  /** The bits of PG_head_mask. */
  readonly headMask: number;
  /** Page types. */
  readonly buddyType: number | undefined;
  readonly offlineType: number | undefined;
  readonly slabType: number | undefined;
  readonly unacceptedType: number | undefined;
  readonly order: OrderRule | undefined;
  readonly hugetlb: HugetlbRule | undefined;
  /** LENGTH(zone.free_area): orders of the buddy allocator are below it. */
  readonly freeOrders: number;
}

/** struct page is 32 to 256 bytes in every kernel so far (include/linux/mm_types.h). */
const PAGE_STRUCT_LIMIT = 512;
/** Page flags proper are in the low half of page.flags; zone, node and section lie above (include/linux/page-flags-layout.h). */
const FLAG_BITS = 32;
/** MAX_ORDER + 1 of kernels that do not export LENGTH(zone.free_area) (include/linux/mmzone.h). */
const FREE_ORDERS = 11;
/** Its limit: blocks of 16 GiB, far above every MAX_ORDER that can be configured (arch Kconfigs, ARCH_FORCE_MAX_ORDER). */
const FREE_ORDERS_LIMIT = 23;
/** PG_head_mask of kernels that do not export it: PG_head is 14 before 4.8 (include/linux/page-flags.h). */
const OLD_HEAD_MASK = 1 << 14;

/** @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO when a key is missing without which no page can be classified. */
export function pageLayout(info: Vmcoreinfo): PageLayout {
  const need = (value: number | undefined, key: string): number => {
    if (value !== undefined) return value;
    throw new VmcoreError(
      'ERR_VMCORE_NO_VMCOREINFO',
      `VMCOREINFO has no ${key}, so pages can't be classified`,
    );
  };
  const size = need(info.size('page'), 'SIZE(page)');
  const layout: PageLayout = {
    size,
    flags: need(info.offset('page.flags'), 'OFFSET(page.flags)'),
    mapping: need(info.offset('page.mapping'), 'OFFSET(page.mapping)'),
    mapcount: need(info.offset('page._mapcount'), 'OFFSET(page._mapcount)'),
    private: info.offset('page.private'),
    // 7.1 renamed page.compound_head; bit 0 still marks a tail.
    compoundHead: info.offset('page.compound_head') ?? info.offset('page.compound_info'),
    lru: need(info.number('PG_lru'), 'NUMBER(PG_lru)'),
    privateFlag: need(info.number('PG_private'), 'NUMBER(PG_private)'),
    swapcache: need(info.number('PG_swapcache'), 'NUMBER(PG_swapcache)'),
    swapbacked: info.number('PG_swapbacked'),
    slabFlag: info.number('PG_slab'),
    hwpoison: info.number('PG_hwpoison'),
    buddyFlag: info.number('PG_buddy'),
    headMask: info.number('PG_head_mask') ?? OLD_HEAD_MASK,
    buddyType: pageType(info, 'PAGE_BUDDY_MAPCOUNT_VALUE'),
    offlineType: pageType(info, 'PAGE_OFFLINE_MAPCOUNT_VALUE'),
    slabType: pageType(info, 'PAGE_SLAB_MAPCOUNT_VALUE'),
    unacceptedType: pageType(info, 'PAGE_UNACCEPTED_MAPCOUNT_VALUE'),
    order: orderRule(info, size),
    hugetlb: hugetlbRule(info, size),
    freeOrders: info.length('zone.free_area') ?? FREE_ORDERS,
  };
  requireSane(layout);
  return layout;
}

/** Page types are printed signed: the pattern is what is compared. */
function pageType(info: Vmcoreinfo, name: string): number | undefined {
  const value = info.number(name);
  return value === undefined ? undefined : value >>> 0;
}

/**
 * The order lies in the low byte of the second page's flags since 6.6 (folio._flags_1); before in a byte of its own, in
 * two or four (4.4 to 4.15), or in lru.prev.
 */
function orderRule(info: Vmcoreinfo, size: number): OrderRule | undefined {
  if (info.number('PAGE_HUGETLB_MAPCOUNT_VALUE') !== undefined || info.number('PG_hugetlb') !== undefined) {
    return { from: 'flags' };
  }
  const field = secondPageField(info, size, '_folio_order', 'compound_order', 'prev');
  return field && { from: 'field', field };
}

/** hugetlb by page type (6.9+), by a flag of the second page (6.6+), by destructor id (4.4+), by destructor address. */
function hugetlbRule(info: Vmcoreinfo, size: number): HugetlbRule | undefined {
  const type = pageType(info, 'PAGE_HUGETLB_MAPCOUNT_VALUE');
  if (type !== undefined) return { by: 'type', value: type };
  const bit = info.number('PG_hugetlb');
  if (bit !== undefined) return { by: 'flag', bit };
  const field = secondPageField(info, size, '_folio_dtor', 'compound_dtor', 'next');
  const value = info.bignum('HUGETLB_PAGE_DTOR') ?? info.symbol('free_huge_page');
  return field && value !== undefined ? { by: 'dtor', field, value } : undefined;
}

/** A member of struct folio (6.3 to 6.5), of struct page (4.4+), or half of its lru list (before). */
function secondPageField(
  info: Vmcoreinfo,
  size: number,
  folio: string,
  page: string,
  lru: 'next' | 'prev',
): Field | undefined {
  const inFolio = info.offset(`folio.${folio}`);
  if (inFolio !== undefined) return { offset: inFolio - size, bytes: 1 };
  const inPage = info.offset(`page.${page}`);
  if (inPage !== undefined) return { offset: inPage, bytes: compoundWidth(info) };
  // Only kernels without compound_head have them in the list; later ones without either say nothing.
  if (info.offset('page.compound_head') !== undefined || info.offset('page.compound_info') !== undefined)
    return undefined;
  const list = info.offset('page.lru');
  const link = info.offset(`list_head.${lru}`);
  return list === undefined || link === undefined ? undefined : { offset: list + link, bytes: 8 };
}

/** compound_dtor and compound_order are neighbours of equal width: u16 in 4.4, u32 from 4.5 on, u8 from 4.16 on. */
function compoundWidth(info: Vmcoreinfo): 1 | 2 | 4 {
  const dtor = info.offset('page.compound_dtor');
  const order = info.offset('page.compound_order');
  const width = dtor === undefined || order === undefined ? 1 : order - dtor;
  return width === 2 || width === 4 ? width : 1;
}

/** PG_head_mask is one bit of page.flags in every kernel that has it (include/linux/page-flags.h). */
function isBit(mask: number): boolean {
  return mask > 0 && mask < 2 ** FLAG_BITS && Number.isInteger(Math.log2(mask));
}

/** @throws VmcoreError ERR_VMCORE_CORRUPT: struct pages are read by these numbers without another look. */
function requireSane(layout: PageLayout): void {
  const { size, flags, mapping, mapcount, order, hugetlb, freeOrders, headMask } = layout;
  const bits = [
    layout.lru,
    layout.privateFlag,
    layout.swapcache,
    layout.swapbacked ?? 0,
    layout.slabFlag ?? 0,
    layout.hwpoison ?? 0,
    layout.buddyFlag ?? 0,
    hugetlb?.by === 'flag' ? hugetlb.bit : 0,
  ];
  const longs = [flags, mapping, layout.private ?? 0, layout.compoundHead ?? 0];
  const fields = [
    ...(order?.from === 'field' ? [order.field] : []),
    ...(hugetlb?.by === 'dtor' ? [hugetlb.field] : []),
  ];
  const inside = (offset: number, bytes: number) => offset >= 0 && offset + bytes <= size;
  const problems: [boolean, string][] = [
    [size < 32 || size > PAGE_STRUCT_LIMIT || size % 8 !== 0, `of ${size} bytes`],
    [longs.some((offset) => offset % 8 !== 0 || !inside(offset, 8)), `with longs at ${longs.join(', ')}`],
    [mapcount % 4 !== 0 || !inside(mapcount, 4), `with _mapcount at ${mapcount}`],
    [
      fields.some(({ offset, bytes }) => !inside(offset, bytes)),
      `with compound fields at ${fields.map(({ offset }) => offset).join(', ')}`,
    ],
    [bits.some((bit) => bit < 0 || bit >= FLAG_BITS), `with flags ${bits.join(', ')}`],
    [!isBit(headMask), `with PG_head_mask ${headMask}`],
    [freeOrders < 1 || freeOrders > FREE_ORDERS_LIMIT, `in free blocks of ${freeOrders} orders`],
  ];
  const found = problems.find(([isProblem]) => isProblem);
  if (!found) return;
  throw new VmcoreError(
    'ERR_VMCORE_CORRUPT',
    `VMCOREINFO describes a struct page that can't be: ${found[1]}`,
  );
}
