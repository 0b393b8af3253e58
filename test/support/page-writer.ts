// struct page as a kernel of some generation has it in memory.
import type { Flag, Generation, PageType, Place } from './page-generations.ts';

/** What a test says of a page. A page of which nothing is said is the kernel's own. */
export interface PageFields {
  readonly flags?: readonly (Flag | 'head')[];
  /** Bits of page.flags by number, for those that dump tools do not know. */
  readonly bits?: readonly number[];
  readonly mapping?: bigint;
  readonly type?: PageType;
  /** `_mapcount` as it is; else the type, else -1: mapped nowhere. */
  readonly mapcount?: number;
  readonly private?: bigint;
  readonly tail?: boolean;
  /** Of a second page: the compound page's order. */
  readonly order?: number;
  /** Of a head and a second page: the compound page is a hugetlb page. */
  readonly hugetlb?: boolean;
}

export const anon = 1n; // PAGE_MAPPING_ANON
export const file = 0xffff888001234500n; // an address_space

/** The first of 2^order free pages; the others look like pages of the kernel. */
export function free(order: number): PageFields[] {
  return block(order, { type: 'BUDDY', private: BigInt(order) });
}

/** A page and those behind it, of which the kernel says nothing. */
export function block(order: number, first: PageFields): PageFields[] {
  return [first, ...Array.from({ length: 2 ** order - 1 }, () => ({}))];
}

/** A compound page; `tails` says more of some of its pages, by index. */
export function compound(
  order: number,
  head: PageFields,
  tails: Readonly<Record<number, PageFields>> = {},
): PageFields[] {
  const hugetlb = head.hugetlb ?? false;
  return Array.from({ length: 2 ** order }, (_, i): PageFields => {
    if (i === 0) return { ...head, flags: [...(head.flags ?? []), 'head'] };
    return { tail: true, ...(i === 1 && { order, hugetlb }), ...tails[i] };
  });
}

/** struct pages one after another. */
export function encodePages(
  generation: Generation,
  pages: readonly (PageFields | undefined)[],
  littleEndian = true,
): Uint8Array {
  const bytes = new Uint8Array(pages.length * generation.size);
  pages.forEach((page, i) => {
    const at = bytes.subarray(i * generation.size, (i + 1) * generation.size);
    writePage(new DataView(at.buffer, at.byteOffset, at.length), generation, page ?? {}, littleEndian);
  });
  return bytes;
}

function writePage(view: DataView, generation: Generation, page: PageFields, littleEndian: boolean): void {
  const { offsets, order, hugetlb } = generation;
  const put = ({ offset, bytes }: Place, value: bigint) => {
    for (let i = 0; i < bytes; i++) {
      const byte = Number((value >> BigInt(8 * i)) & 0xffn);
      view.setUint8(offset + (littleEndian ? i : bytes - 1 - i), byte);
    }
  };
  const long = (offset: number | undefined, value: bigint) => {
    if (offset !== undefined) put({ offset, bytes: 8 }, value);
  };
  long(offsets.flags, flagsOf(generation, page));
  long(offsets.mapping, page.mapping ?? 0n);
  long(offsets.private, page.private ?? 0n);
  put({ offset: offsets._mapcount!, bytes: 4 }, BigInt.asUintN(32, BigInt(mapcountOf(generation, page))));
  if (page.tail) long(offsets.compound_head, 0xffffea0000000001n);
  if (page.order !== undefined && order) put(order, BigInt(page.order));
  if (page.order !== undefined && page.hugetlb && typeof hugetlb === 'object' && 'dtor' in hugetlb)
    put(hugetlb.dtor, hugetlb.value);
}

function flagsOf(generation: Generation, page: PageFields): bigint {
  const numbers = (page.flags ?? []).map((name) =>
    name === 'head' ? generation.head : generation.flags[name],
  );
  const bits = [...numbers, ...(page.bits ?? [])];
  let flags = page.order !== undefined && !generation.order ? BigInt(page.order) : 0n;
  for (const bit of bits) if (bit !== undefined) flags |= 1n << BigInt(bit);
  const { hugetlb } = generation;
  if (page.order !== undefined && page.hugetlb && typeof hugetlb === 'object' && 'flag' in hugetlb)
    flags |= 1n << BigInt(hugetlb.flag);
  return flags;
}

function mapcountOf({ types, hugetlb }: Generation, page: PageFields): number {
  if (page.mapcount !== undefined) return page.mapcount;
  if (page.type) return types[page.type] ?? -1;
  return page.hugetlb && !page.tail && hugetlb === 'type' ? types.HUGETLB! : -1;
}
