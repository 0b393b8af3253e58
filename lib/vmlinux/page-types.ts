import type { KernelTypes } from './kernel-types.ts';

/** Flags have numbers below this; page types are above (include/linux/page-flags.h). */
const FLAGS_END = 64;
/** Bits that say which type has the page, where a type is a byte (6.12 and later). */
const TYPE_SHIFT = 24;

interface PageTypeRule {
  /** The enumerator since 6.12, where PGTY_x is the top byte. */
  readonly typeByte: string;
  /** The enumerator of 6.11, and the macro's name before: a bit that is clear. */
  readonly bit: string;
  /** The value of that macro, which debug information does not have. */
  readonly macro: number;
  /** Before 4.18 there were no types, but values of _mapcount. */
  readonly mapcount?: number;
}

/** NUMBERs of page types (include/linux/page-flags.h). */
export const PAGE_TYPES: Readonly<Record<string, PageTypeRule>> = {
  PAGE_BUDDY_MAPCOUNT_VALUE: { typeByte: 'PGTY_buddy', bit: 'PG_buddy', macro: 0x80, mapcount: -128 },
  PAGE_OFFLINE_MAPCOUNT_VALUE: { typeByte: 'PGTY_offline', bit: 'PG_offline', macro: 0x100 },
  PAGE_HUGETLB_MAPCOUNT_VALUE: { typeByte: 'PGTY_hugetlb', bit: 'PG_hugetlb', macro: 0x800 },
  PAGE_SLAB_MAPCOUNT_VALUE: { typeByte: 'PGTY_slab', bit: 'PG_slab', macro: 0x1000 },
  PAGE_UNACCEPTED_MAPCOUNT_VALUE: { typeByte: 'PGTY_unaccepted', bit: 'PG_unaccepted', macro: 0x8000 },
};

/** Kernels that have types have it (4.18 and later). */
export const PAGE_TYPE_MEMBER = 'page_type';

/** Whether an enumerator of a name that flags and types share is a flag. */
export function isFlag(value: number): boolean {
  return value >= 0 && value < FLAGS_END;
}

/** The value that the kernel exports for a page type, for one that exports it. */
export function pageTypeValue(name: string, { enumerators, offsets }: KernelTypes): number | undefined {
  const rule = PAGE_TYPES[name];
  if (!rule) return undefined;
  const byte = enumerators.get(rule.typeByte);
  if (byte !== undefined) return byte << TYPE_SHIFT;
  const bit = enumerators.get(rule.bit);
  if (bit !== undefined && !isFlag(bit)) return ~bit;
  return offsets.has(`page.${PAGE_TYPE_MEMBER}`) ? ~rule.macro : rule.mapcount;
}
