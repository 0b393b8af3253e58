// Where makedumpfile decides otherwise than its own documentation says.
import type { ElfCore } from './elf-core.ts';
import type { Defect } from './page-rules.ts';

const knowsPageTypes = 10706; // 1.7.6

/** 1.7.2 as 10702. */
export function versionNumber(text: string): number {
  const [, major, minor, patch] = /version (\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  if (patch === undefined) throw new Error(`no version in '${text}'`);
  return Number(major) * 10000 + Number(minor) * 100 + Number(patch);
}

/** It reads struct pages only for a level that drops classes of them, or where the kernel knows hardware poison. */
const offlineNotLookedFor: Defect = {
  name: 'offline pages kept at levels 0 and 1 where the kernel has no PG_hwpoison',
  seen: (facts, _page, level) => (level & 30 ? facts : { ...facts, offline: false }),
};

/** It passes over tail pages before it looks for poison. */
const poisonedTail: Defect = {
  name: 'poisoned pages inside a compound page kept',
  seen: (facts) => (facts.tail ? { ...facts, hwpoison: false } : facts),
};

/** Where the kernel exports no PG_slab it takes bit 7, which is PG_waiters there, for PG_slab. */
const waiters = 1n << 7n;
const waitersTakenForSlab: Defect = {
  name: 'pages with PG_waiters taken for slab pages',
  seen: (facts, page) =>
    page.flags & waiters ? { ...facts, anon: false, free: false, offline: false } : facts,
};

/** Before 1.7.6 it knows neither page types but free and offline, nor where folios keep their order. */
const pageTypesUnknown: Defect = {
  name: 'page types and orders of 6.10 unknown',
  seen(facts, page) {
    const anon = (page.mapping & 1n) !== 0n;
    return waitersTakenForSlab.seen({ ...facts, anon, hugetlb: false, order: 0 }, page, 0);
  },
};

/** The defects that a makedumpfile of this version can show on this core. */
export function knownDefects(core: ElfCore, version: number): Defect[] {
  const hasPageTypes = core.info('NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)') !== undefined;
  const hasSlabFlag = core.info('NUMBER(PG_slab)') !== undefined;
  return [
    ...(core.info('NUMBER(PG_hwpoison)') === undefined ? [offlineNotLookedFor] : [poisonedTail]),
    ...(hasPageTypes && version < knowsPageTypes ? [pageTypesUnknown] : []),
    ...(!hasSlabFlag && version >= knowsPageTypes ? [waitersTakenForSlab] : []),
  ];
}
