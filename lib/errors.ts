/** What went wrong, for programs. docs/errors.md says for each code what it means and what to do. */
export type VmcoreErrorCode =
  /** An argument or option is of the wrong type or out of range. */
  | 'ERR_VMCORE_ARGUMENT'
  /** The addon could not be loaded. */
  | 'ERR_VMCORE_ADDON'
  /** The source could not be opened: no such file, no permission, a directory. `cause` has the system's code. */
  | 'ERR_VMCORE_OPEN'
  /** A system call on the source failed. */
  | 'ERR_VMCORE_IO'
  /** The mapped source shrank or its device failed while it was read (SIGBUS). */
  | 'ERR_VMCORE_FAULT'
  /** The source is not a core, or a vmlinux, of a kind that is read here. */
  | 'ERR_VMCORE_FORMAT'
  /** The source is a core, but it ends before its headers say, or without the end marker of its own dump. */
  | 'ERR_VMCORE_TRUNCATED'
  /** Headers, or structures of the dead kernel, contradict each other. */
  | 'ERR_VMCORE_CORRUPT'
  /** The vmlinux is of an architecture that is not translated here. */
  | 'ERR_VMCORE_ARCH'
  /** What was asked for needs VMCOREINFO, or a key of it, and the core has none. */
  | 'ERR_VMCORE_NO_VMCOREINFO'
  /** The core holds no data for this physical address. */
  | 'ERR_VMCORE_NOT_PRESENT'
  /** The page was left out when the dump was written. `excluded: 'zeros'` reads such pages as zeros. */
  | 'ERR_VMCORE_EXCLUDED'
  /** The page tables do not map this virtual address; the message says at which level and entry the walk ended. */
  | 'ERR_VMCORE_UNMAPPED'
  /** A function that chooses pages failed; `cause` has what it threw. */
  | 'ERR_VMCORE_SELECT'
  /** A codec is not available in this process. */
  | 'ERR_VMCORE_CODEC'
  /** The output exists already. */
  | 'ERR_VMCORE_EXISTS'
  /** The output could not be written: disk full, quota, size limit. What was written is marked incomplete. */
  | 'ERR_VMCORE_NO_SPACE'
  /** Writing the output failed. What was written is marked incomplete. */
  | 'ERR_VMCORE_OUTPUT'
  /** A worker thread failed, was ended or ran out of memory; `cause` has its error. What was written is marked incomplete. */
  | 'ERR_VMCORE_WORKER'
  /** The core was closed. */
  | 'ERR_VMCORE_CLOSED';

/** Where it went wrong. */
export interface VmcoreErrorDetails {
  /** Physical address in bytes, or virtual address. */
  readonly address?: number | bigint | undefined;
  /** Byte offset in `file`. */
  readonly offset?: number | undefined;
  /** The file or source it is about. */
  readonly file?: string | undefined;
  readonly cause?: unknown;
}

/** Every error that this library throws, except the reason of an AbortSignal and what progress callbacks throw. */
export class VmcoreError extends Error {
  readonly code: VmcoreErrorCode;
  readonly address?: number | bigint;
  readonly offset?: number;
  readonly file?: string;

  constructor(code: VmcoreErrorCode, message: string, details: VmcoreErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'VmcoreError';
    this.code = code;
    if (details.address !== undefined) this.address = details.address;
    if (details.offset !== undefined) this.offset = details.offset;
    if (details.file !== undefined) this.file = details.file;
  }
}

/** What a caller did wrong. */
export function argumentError(message: string, file?: string): VmcoreError {
  return new VmcoreError('ERR_VMCORE_ARGUMENT', message, { file });
}

/** True for a VmcoreError, also one of another copy of this package. With `code`, only for that code. */
export function isVmcoreError(error: unknown, code?: VmcoreErrorCode): error is VmcoreError {
  return (
    error instanceof Error && error.name === 'VmcoreError' && (!code || (error as VmcoreError).code === code)
  );
}

/** Bytes that can't be had, while others of the same core can: a failing disk, a damaged page, one that was lost. */
export function isLostData(error: unknown): error is VmcoreError {
  return LOST_DATA.some((code) => isVmcoreError(error, code));
}

const LOST_DATA: readonly VmcoreErrorCode[] = [
  'ERR_VMCORE_IO',
  'ERR_VMCORE_CORRUPT',
  'ERR_VMCORE_NOT_PRESENT',
  'ERR_VMCORE_EXCLUDED',
];

/** What the source of a core failed with, which says nothing of the core: asked again it may answer. Causes count, too. */
export function sourceFailure(error: unknown): VmcoreError | undefined {
  if (!isVmcoreError(error)) return undefined;
  return SOURCE_FAILURES.has(error.code) ? error : sourceFailure(error.cause);
}

const SOURCE_FAILURES: ReadonlySet<VmcoreErrorCode> = new Set([
  'ERR_VMCORE_IO',
  'ERR_VMCORE_FAULT',
  'ERR_VMCORE_TRUNCATED',
]);

/** `0x` and the hexadecimal digits of an address, for messages. */
export function hex(address: number | bigint): string {
  return `0x${address.toString(16)}`;
}
