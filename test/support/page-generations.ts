// What VMCOREINFO says of struct page in the kernels that differ there: numbers as those kernels were built.

export type Flag = 'lru' | 'private' | 'swapcache' | 'swapbacked' | 'slab' | 'hwpoison';
export type PageType = 'BUDDY' | 'OFFLINE' | 'HUGETLB' | 'SLAB' | 'UNACCEPTED';
export type FieldName = 'flags' | 'lru' | 'compound_head' | 'mapping' | 'private' | '_mapcount' | '_refcount';

/** Where the second page of a compound page keeps something. */
export interface Place {
  readonly offset: number;
  readonly bytes: 1 | 2 | 4 | 8;
}

export interface Generation {
  /** Such as '6.2'. */
  readonly release: string;
  /** SIZE(page). */
  readonly size: number;
  readonly offsets: Readonly<Partial<Record<FieldName, number>>>;
  readonly flags: Readonly<Partial<Record<Flag, number>>>;
  readonly head: number;
  readonly types: Readonly<Partial<Record<PageType, number>>>;
  /** undefined: in the low byte of the second page's flags. */
  readonly order: Place | undefined;
  /** What tells a hugetlb page: a page type, a flag of the second page, or a destructor's number or address there. */
  readonly hugetlb: 'type' | { readonly flag: number } | { readonly dtor: Place; readonly value: bigint };
  /** Lines that no other kernel has. */
  readonly lines: readonly string[];
}

const oldOffsets = { flags: 0, mapping: 8, _mapcount: 24, _refcount: 28, lru: 32, private: 48 };
const offsets = {
  flags: 0,
  lru: 8,
  compound_head: 8,
  mapping: 24,
  private: 40,
  _mapcount: 48,
  _refcount: 52,
};
const oldFlags = { lru: 5, slab: 7, private: 11, swapcache: 16, swapbacked: 19, hwpoison: 23 };
const freeHugePage = 0xffffffff81234560n;
const dtorNumber = 'NUMBER(HUGETLB_PAGE_DTOR)=2';

/** Order and destructor are the links of the second page's list. */
const v3_10: Generation = {
  release: '3.10',
  size: 56,
  offsets: oldOffsets,
  flags: oldFlags,
  head: 14,
  types: { BUDDY: -128 },
  order: { offset: 40, bytes: 8 },
  hugetlb: { dtor: { offset: 32, bytes: 8 }, value: freeHugePage },
  lines: [`SYMBOL(free_huge_page)=${freeHugePage.toString(16)}`],
};

function compoundFields(release: string, bytes: 2 | 4): Generation {
  const [dtor, order] = [40, 40 + bytes];
  return {
    release,
    size: 64,
    offsets: { ...oldOffsets, compound_head: 32 },
    flags: oldFlags,
    head: 14,
    types: { BUDDY: -128 },
    order: { offset: order, bytes },
    hugetlb: { dtor: { offset: dtor, bytes }, value: 2n },
    lines: [dtorNumber, `OFFSET(page.compound_dtor)=${dtor}`, `OFFSET(page.compound_order)=${order}`],
  };
}

const v6_2: Generation = {
  release: '6.2',
  size: 64,
  offsets,
  flags: { lru: 4, slab: 9, swapcache: 10, private: 13, swapbacked: 19, hwpoison: 23 },
  head: 16,
  types: { BUDDY: -129, OFFLINE: -257 },
  order: { offset: 17, bytes: 1 },
  hugetlb: { dtor: { offset: 16, bytes: 1 }, value: 2n },
  lines: [dtorNumber, 'OFFSET(page.compound_dtor)=16', 'OFFSET(page.compound_order)=17'],
};

/** struct folio covers the second page, so its members lie behind SIZE(page). */
const v6_4: Generation = {
  ...v6_2,
  release: '6.4',
  lines: [dtorNumber, 'OFFSET(folio._folio_dtor)=80', 'OFFSET(folio._folio_order)=81'],
};

const v6_6: Generation = {
  ...v6_2,
  release: '6.6',
  flags: { lru: 5, slab: 11, swapcache: 12, private: 15, swapbacked: 19, hwpoison: 23 },
  head: 6,
  order: undefined,
  hugetlb: { flag: 8 },
  lines: ['NUMBER(PG_hugetlb)=8'],
};

/** Types are cleared bits here. */
const v6_10: Generation = {
  ...v6_6,
  release: '6.10',
  flags: { lru: 5, swapcache: 10, private: 14, swapbacked: 17, hwpoison: 21 },
  types: { BUDDY: ~0x40000000, OFFLINE: ~0x20000000, HUGETLB: ~0x04000000, SLAB: ~0x02000000 },
  hugetlb: 'type',
  lines: [],
};

/** Types are the top byte. */
const v6_12: Generation = {
  ...v6_10,
  release: '6.12',
  types: {
    BUDDY: 0xf0000000 | 0,
    OFFLINE: 0xf1000000 | 0,
    HUGETLB: 0xf4000000 | 0,
    SLAB: 0xf5000000 | 0,
    UNACCEPTED: 0xf7000000 | 0,
  },
};

export const generations = {
  '3.10': v3_10,
  '4.4': compoundFields('4.4', 2),
  '4.9': compoundFields('4.9', 4),
  '6.2': v6_2,
  '6.4': v6_4,
  '6.6': v6_6,
  '6.10': v6_10,
  '6.12': v6_12,
} as const;

/** The lines of VMCOREINFO that describe struct page. */
export function pageInfo(generation: Generation): string[] {
  return [
    `SIZE(page)=${generation.size}`,
    ...Object.entries(generation.offsets).map(([field, offset]) => `OFFSET(page.${field})=${offset}`),
    'OFFSET(list_head.next)=0',
    'OFFSET(list_head.prev)=8',
    ...Object.entries(generation.flags).map(([flag, number]) => `NUMBER(PG_${flag})=${number}`),
    `NUMBER(PG_head_mask)=${2 ** generation.head}`,
    ...Object.entries(generation.types).map(
      ([type, value]) => `NUMBER(PAGE_${type}_MAPCOUNT_VALUE)=${value}`,
    ),
    ...generation.lines,
    'LENGTH(zone.free_area)=11',
  ];
}
