import type { ReadObjective } from './access/read-plan.ts';
import { argumentError } from './errors.ts';

/** A value as messages show it. */
export function describe(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : `${String(value)} (${typeof value})`;
}

/** @throws VmcoreError ERR_VMCORE_ARGUMENT, as the other checks. */
export function checkObjective(objective: ReadObjective = 'time'): ReadObjective {
  if (objective === 'time' || objective === 'calls') return objective;
  throw argumentError(`an objective is 'time' or 'calls', not ${String(objective)}`);
}

export function checkPaddr(paddr: unknown): void {
  if (typeof paddr === 'number' && Number.isSafeInteger(paddr) && paddr >= 0) return;
  throw argumentError(`a physical address is an integer number of at least 0, not ${describe(paddr)}`);
}

export function checkPfn(pfn: unknown): void {
  if (typeof pfn === 'number' && Number.isSafeInteger(pfn) && pfn >= 0) return;
  throw argumentError(`a pfn is an integer of at least 0, not ${describe(pfn)}`);
}

/** The array to fill: what was given, or a new one. No core can fill more than `limit` bytes. */
export function arrayToFill(lengthOrInto: unknown, limit: number): Uint8Array {
  if (lengthOrInto instanceof Uint8Array) return lengthOrInto;
  if (typeof lengthOrInto === 'number' && Number.isSafeInteger(lengthOrInto) && lengthOrInto >= 0) {
    if (lengthOrInto <= limit) return new Uint8Array(lengthOrInto);
    throw argumentError(`${lengthOrInto} bytes are more than the core has`);
  }
  throw argumentError(`a length in bytes or a Uint8Array is needed, not ${describe(lengthOrInto)}`);
}
