import type { ReadObjective } from './access/read-plan.ts';
import { argumentError, VmcoreError } from './errors.ts';

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
    if (lengthOrInto <= limit) return newArray(lengthOrInto);
    throw argumentError(`${lengthOrInto} bytes are more than the core has`);
  }
  throw argumentError(`a length in bytes or a Uint8Array is needed, not ${describe(lengthOrInto)}`);
}

/** A core may claim to have more than an array can hold, or than there is memory for. */
function newArray(length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    const message = `${length} bytes are more than can be read at once: read them in parts`;
    throw new VmcoreError('ERR_VMCORE_ARGUMENT', message, { cause });
  }
}
