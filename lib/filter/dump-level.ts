import { VmcoreError } from '../errors.ts';

/** makedumpfile's dump level, a sum of these bits (makedumpfile(8), -d). */
export const LEVEL_ZERO = 1;
export const LEVEL_CACHE = 2;
export const LEVEL_CACHE_PRIVATE = 4;
export const LEVEL_USER = 8;
export const LEVEL_FREE = 16;
export const LEVEL_MAX = 31;

/** @throws VmcoreError ERR_VMCORE_ARGUMENT unless `level` is an integer from 0 to 31. */
export function checkDumpLevel(level: unknown): number {
  if (typeof level === 'number' && Number.isInteger(level) && level >= 0 && level <= LEVEL_MAX) return level;
  throw new VmcoreError(
    'ERR_VMCORE_ARGUMENT',
    `a dump level is an integer from 0 to ${LEVEL_MAX}, not ${String(level)}`,
  );
}
