import { VmcoreError } from '../errors.ts';

/** What a file says of itself is wrong at a file offset. */
export function damaged(file: string, what: string, offset?: number): VmcoreError {
  return new VmcoreError('ERR_VMCORE_CORRUPT', `${file}: ${what}`, { file, offset });
}

/** A file is of no kind that is read here: its bytes at `offset` tell. */
export function unsupported(file: string, what: string, offset = 0): VmcoreError {
  return new VmcoreError('ERR_VMCORE_FORMAT', `${file}: ${what}`, { file, offset });
}

/** A 64-bit field of a file, which stands at `offset`, as a number. @throws VmcoreError ERR_VMCORE_CORRUPT */
export function narrow(file: string, value: bigint, field: string, offset: number): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw damaged(file, `has ${field} = 0x${value.toString(16)} at offset ${offset}`, offset);
}
