import { argumentError, hex, type VmcoreError } from '../errors.ts';
import { PADDR_LIMIT } from '../formats/machine.ts';

/** What each form of target has. */
interface ScrubOptions {
  /** Overwrite with zeros instead of `X`. */
  readonly nullify?: boolean | undefined;
}

/** All symbols of this name, as the kernel's own table has them. */
export interface ScrubSymbol extends ScrubOptions {
  readonly symbol: string;
  /** Bytes behind the symbol's address where it begins; default 0. */
  readonly offset?: number | undefined;
  /** Bytes; default up to the next symbol, where the kernel tells which that is. */
  readonly size?: number | undefined;
}

/** A range of kernel virtual memory. */
export interface ScrubVirtual extends ScrubOptions {
  readonly vaddr: bigint;
  /** Bytes. */
  readonly size: number;
  /** What the trail calls it; default its address. */
  readonly name?: string | undefined;
}

/** A range of physical memory; what the core does not have of it is left alone. */
export interface ScrubPhysical extends ScrubOptions {
  readonly paddr: number;
  /** Bytes. */
  readonly size: number;
  /** What the trail calls it; default its address. */
  readonly name?: string | undefined;
}

/** What is overwritten before a dump has it. */
export type ScrubTarget = ScrubSymbol | ScrubVirtual | ScrubPhysical;

const VADDR_END = 1n << 64n;

/** @throws VmcoreError ERR_VMCORE_ARGUMENT for what is no target. */
export function checkTarget(target: ScrubTarget): void {
  if (typeof target !== 'object' || target === null)
    throw scrubError(`${String(target)} is nothing to scrub`);
  const { size } = target;
  if ('symbol' in target) {
    if (typeof target.symbol !== 'string' || !isName(target.symbol))
      throw scrubError(`${String(target.symbol)} is no symbol's name`);
    checkCount('an offset', target.offset ?? 0, 0);
    if (size !== undefined) checkCount('a size', size, 1);
    return;
  }
  if (target.name !== undefined && !isName(target.name))
    throw scrubError(`a name has no spaces: '${target.name}'`);
  checkCount('a size', size, 1);
  if ('vaddr' in target) {
    const { vaddr } = target;
    if (typeof vaddr === 'bigint' && vaddr >= 0n && vaddr + BigInt(target.size) <= VADDR_END) return;
    throw scrubError(`${String(vaddr)} + ${size} bytes is no range of 64-bit addresses (bigint)`);
  }
  checkCount('a physical address', target.paddr, 0);
  if (target.paddr + target.size > PADDR_LIMIT)
    throw scrubError(`${hex(target.paddr)} + ${size} bytes is no physical memory`);
}

/** The trail is a line for each, whose words have spaces between. */
function isName(name: string): boolean {
  return /^[\x21-\x7e]{1,512}$/.test(name);
}

function checkCount(what: string, value: unknown, min: number): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return;
  throw scrubError(`${what} is an integer of at least ${min}, not ${String(value)}`);
}

export function scrubError(message: string): VmcoreError {
  return argumentError(`scrub: ${message}`);
}
