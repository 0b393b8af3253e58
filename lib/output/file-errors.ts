import { dirname } from 'node:path';
import type { VmcoreErrorCode } from '../errors.ts';
import { VmcoreError } from '../errors.ts';

/** No room, for one of the three reasons that the system has: disk full, quota, size limit of the process. */
const NO_SPACE: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the quota is exhausted',
  EFBIG: 'the file may not become larger (file system or ulimit -f)',
};

/** The system's code of a failed call, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The error for an output that can't be created. */
export function openError(file: string, error: unknown): VmcoreError {
  const code = systemCode(error);
  if (code === 'EEXIST' || code === 'ELOOP') {
    return new VmcoreError('ERR_VMCORE_EXISTS', `${file}: exists already`, { file, cause: error });
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const message = `${file}: there is no directory ${dirname(file)}`;
    return new VmcoreError('ERR_VMCORE_OUTPUT', message, { file, cause: error });
  }
  return failure(file, undefined, 'could not be created', error);
}

/** The error for an output that can't be written at byte `offset`. */
export function writeError(file: string, offset: number, error: unknown): VmcoreError {
  return failure(file, offset, `could not be written at byte ${offset}`, error);
}

/** The error for an output of which bytes from `offset` on may not have reached the disk. */
export function syncError(file: string, offset: number, error: unknown): VmcoreError {
  return failure(file, offset, `could not be synced from byte ${offset} on`, error);
}

/** The error for an output whose own bytes can't be read at byte `offset`. */
export function readBackError(file: string, offset: number, error: unknown): VmcoreError {
  return failure(file, offset, `could not be read back at byte ${offset}`, error);
}

/** The error for an output with which something else could not be done: `what`, such as `could not be closed`. */
export function outputError(file: string, what: string, error: unknown): VmcoreError {
  return failure(file, undefined, what, error);
}

function failure(file: string, offset: number | undefined, what: string, error: unknown): VmcoreError {
  const code = systemCode(error);
  const noSpace = code === undefined ? undefined : NO_SPACE[code];
  const why = noSpace ?? (error instanceof Error ? error.message : String(error));
  const vmcoreCode: VmcoreErrorCode = noSpace ? 'ERR_VMCORE_NO_SPACE' : 'ERR_VMCORE_OUTPUT';
  return new VmcoreError(vmcoreCode, `${file}: ${what}: ${why}`, { file, offset, cause: error });
}
