import { VmcoreError } from '../errors.ts';

/** The error for a stored page that `codec` can't turn into `size` bytes; `cause` is what its library threw. */
export function corruptPage(codec: string, size: number, cause: unknown): VmcoreError {
  const why = cause instanceof Error ? cause.message : cause;
  return new VmcoreError('ERR_VMCORE_CORRUPT', `page of ${size} bytes, stored with ${codec}: ${why}`, {
    cause,
  });
}

/** @throws VmcoreError ERR_VMCORE_CORRUPT unless the stored page became `size` bytes. */
export function checkLength(codec: string, size: number, length: number): void {
  if (length === size) return;
  throw new VmcoreError(
    'ERR_VMCORE_CORRUPT',
    `page of ${size} bytes, stored with ${codec}: holds only ${length}`,
  );
}
