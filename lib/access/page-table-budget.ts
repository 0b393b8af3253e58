import { native } from './native.ts';

/**
 * What a byte of page tables maps: an entry of 8 bytes a page of 4096. On s390x a table fills half of the page that it
 * takes (arch/s390/mm/pgalloc.c page_table_alloc(), since 6.7).
 */
export const BYTES_PER_TABLE_BYTE = process.arch === 's390x' ? 256 : 512;

/** What the page tables of all mappings of the process may take by default, in bytes: enough for 1 GiB, or half of it on s390x. */
export const DEFAULT_PAGE_TABLE_BUDGET = 2 << 20;

/**
 * Throws when mapping `length` bytes more would let the page tables of the process outgrow `budget` bytes. The error has
 * the code BUDGET, so that it counts among the reasons for which a map can fail.
 */
export function holdPageTableBudget(length: number, budget: number): void {
  const tables = (native().mappedBytes() + length) / BYTES_PER_TABLE_BYTE;
  if (tables <= budget) return;
  const message = `page tables would take ${tables} bytes, more than the budget of ${budget}`;
  throw Object.assign(new Error(message), { code: 'BUDGET' });
}
