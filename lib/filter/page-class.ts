/**
 * Why a page can be left out. `hwpoison` and `offline` pages always are: reading one can stop the machine. `zero` pages
 * are found while a dump is written, since that needs their data.
 */
export const PAGE_CLASSES = ['cache', 'cachePrivate', 'user', 'free', 'hwpoison', 'offline'] as const;
/** One of {@link PAGE_CLASSES}. */
export type PageClass = (typeof PAGE_CLASSES)[number];

/** Reading them can stop the machine, or there is nothing to read. */
export const NEVER_READ: ReadonlySet<PageClass> = new Set<PageClass>(['hwpoison', 'offline']);

/** Number of pages of each class that were left out; a page counts once, in the class it was left out for. */
export type ClassCounts = Readonly<Record<PageClass, number>>;
