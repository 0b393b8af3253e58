import { PAGE_CLASSES, type PageClass } from '../filter/page-class.ts';

/**
 * How a page of two cores differs: its bytes (`content`); one core has data of it, and the other one left it out
 * (`excludedInA`, `excludedInB`) or does not have such memory at all (`onlyInA`, `onlyInB`); or nobody can tell, because
 * one core has data that can't be read (`unreadable`: a page that an incomplete dump has lost, or a damaged one).
 */
export const PAGE_DIFFERENCES = [
  'content',
  'excludedInA',
  'excludedInB',
  'onlyInA',
  'onlyInB',
  'unreadable',
] as const;
/** One of {@link PAGE_DIFFERENCES}. */
export type PageDifference = (typeof PAGE_DIFFERENCES)[number];

/**
 * What a page that differs is: the class for which a dump level would leave it out, as the kernel in the core that has
 * its data says; `zero` where it is of no class and one core has only zeros of it and the other no data; else `other`.
 */
export const DIFF_CLASSES = ['zero', ...PAGE_CLASSES, 'other'] as const;
/** One of {@link DIFF_CLASSES}. */
export type DiffClass = 'zero' | PageClass | 'other';

/** Consecutive pages that differ in the same way. */
export interface DifferentPages {
  readonly pfn: number;
  /** Pages. */
  readonly count: number;
  readonly difference: PageDifference;
  readonly class: DiffClass;
}

/** Pages that differ in one way, and what they are. */
export interface DifferenceCount {
  readonly pages: number;
  readonly classes: Readonly<Record<DiffClass, number>>;
}

/** How two cores differ. */
export interface CoreDiff {
  /** Whether no page differs. */
  readonly equal: boolean;
  /** Bytes of a page, as pfns are counted here: the smaller page size of the two. */
  readonly pageSize: number;
  /** Pages of which both cores have data that can be read, and those of them whose bytes are the same. */
  readonly compared: number;
  readonly same: number;
  /** Pages that differ, by how. */
  readonly counts: Readonly<Record<PageDifference, DifferenceCount>>;
  /** Where they are, ascending: the first {@link DiffOptions.ranges}. */
  readonly ranges: readonly DifferentPages[];
  /** All of them. */
  readonly rangeCount: number;
  /** Why the classes of pages are not known, so that all are `other` or `zero`; undefined where they are. */
  readonly classProblem: string | undefined;
}

/** Counts what differs, and joins it to ranges. */
export class DiffCounter {
  readonly #limit: number;
  readonly #counts = new Map<PageDifference, Map<DiffClass, number>>();
  readonly #ranges: DifferentPages[] = [];
  #rangeCount = 0;
  #last: DifferentPages | undefined;

  /** @param limit ranges that are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Pages come ascending. */
  add(pages: DifferentPages): void {
    const classes = this.#counts.get(pages.difference) ?? new Map<DiffClass, number>();
    this.#counts.set(pages.difference, classes);
    classes.set(pages.class, (classes.get(pages.class) ?? 0) + pages.count);
    const last = this.#last;
    const continues =
      last?.difference === pages.difference &&
      last.class === pages.class &&
      last.pfn + last.count === pages.pfn;
    this.#last = last && continues ? { ...last, count: last.count + pages.count } : pages;
    if (!continues) this.#rangeCount++;
    if (this.#rangeCount <= this.#limit) this.#ranges[this.#rangeCount - 1] = this.#last;
  }

  get ranges(): { readonly ranges: readonly DifferentPages[]; readonly rangeCount: number } {
    return { ranges: this.#ranges, rangeCount: this.#rangeCount };
  }

  get counts(): Readonly<Record<PageDifference, DifferenceCount>> {
    return recordOf(PAGE_DIFFERENCES, (difference) => {
      const found = this.#counts.get(difference) ?? new Map<DiffClass, number>();
      const pages = [...found.values()].reduce((sum, count) => sum + count, 0);
      return { pages, classes: recordOf(DIFF_CLASSES, (name) => found.get(name) ?? 0) };
    });
  }
}

function recordOf<K extends string, V>(keys: readonly K[], value: (key: K) => V): Readonly<Record<K, V>> {
  const record: Partial<Record<K, V>> = {};
  for (const key of keys) record[key] = value(key);
  return record as Record<K, V>;
}
