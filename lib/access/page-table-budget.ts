import { native } from './native.ts';

/** A page-table entry of 8 bytes maps a page of 4096, on x86_64 and s390x. */
export const BYTES_PER_TABLE_BYTE = 512;

/** What the page tables of all mappings of the process may take by default, in bytes: enough for 1 GiB. */
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
