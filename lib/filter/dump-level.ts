import { argumentError } from '../errors.ts';
import { PAGE_CLASSES, type PageClass } from './page-class.ts';

/** makedumpfile's dump level, a sum of these bits (makedumpfile(8), -d). */
export const LEVEL_ZERO = 1;
export const LEVEL_CACHE = 2;
export const LEVEL_CACHE_PRIVATE = 4;
export const LEVEL_USER = 8;
export const LEVEL_FREE = 16;
export const LEVEL_MAX = 31;
/** The highest level that needs nothing of the kernel: bit 0 leaves out zeros, which the data tells. */
export const LEVEL_WITHOUT_KERNEL = 1;

/**
 * Which pages are left out: makedumpfile's sum of bits, 0 to 31, or a list of classes. `cachePrivate` is all of the page
 * cache, as bit 4 is; `hwpoison` and `offline` pages are left out whether they are in the list or not.
 */
export type DumpLevel = number | readonly ('zero' | PageClass)[];

/** Names of classes that a level can have. */
export const LEVEL_CLASSES = ['zero', ...PAGE_CLASSES] as const;

const BITS: Readonly<Record<(typeof LEVEL_CLASSES)[number], number>> = {
  zero: LEVEL_ZERO,
  cache: LEVEL_CACHE,
  cachePrivate: LEVEL_CACHE_PRIVATE,
  user: LEVEL_USER,
  free: LEVEL_FREE,
  hwpoison: 0,
  offline: 0,
};

/**
 * The sum of bits; without a level that of all classes.
 * @throws VmcoreError ERR_VMCORE_ARGUMENT unless it is an integer from 0 to 31, or a list of {@link LEVEL_CLASSES}.
 */
export function checkDumpLevel(level: unknown = LEVEL_MAX): number {
  if (typeof level === 'number' && Number.isInteger(level) && level >= 0 && level <= LEVEL_MAX) return level;
  if (Array.isArray(level)) return level.reduce<number>((sum, name) => sum | bitOf(name), 0);
  throw argumentError(
    `a dump level is an integer from 0 to ${LEVEL_MAX} or a list of classes, not ${String(level)}`,
  );
}

function bitOf(name: unknown): number {
  const known = LEVEL_CLASSES.find((candidate) => candidate === name);
  if (known) return BITS[known];
  throw argumentError(`a class of a dump level is one of ${LEVEL_CLASSES.join(', ')}, not ${String(name)}`);
}
