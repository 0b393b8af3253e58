import { VmcoreError } from '../errors.ts';

/** What a file says of itself is wrong at a file offset. */
export function damaged(file: string, what: string, offset?: number): VmcoreError {
  return new VmcoreError('ERR_VMCORE_CORRUPT', `${file}: ${what}`, { file, offset });
}
