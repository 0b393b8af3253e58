import { isVmcoreError, VmcoreError, type VmcoreErrorCode } from '../errors.ts';

/** A VmcoreError on its way between threads: a message carries no classes, and of an error only its text. */
export interface SentError {
  readonly code: VmcoreErrorCode;
  readonly message: string;
  readonly address: number | bigint | undefined;
  readonly offset: number | undefined;
  readonly file: string | undefined;
  /** The error of the system behind it. */
  readonly cause: SentCause | undefined;
}

interface SentCause {
  readonly message: string;
  readonly code: unknown;
  readonly errno: unknown;
  readonly syscall: unknown;
}

/** Another error becomes the cause of ERR_VMCORE_WORKER. */
export function packError(error: unknown): SentError {
  const known = isVmcoreError(error) ? error : workerFailure(error);
  const { code, message, address, offset, file, cause } = known;
  return { code, message, address, offset, file, cause: packCause(cause) };
}

/** The error for a worker thread that can't go on. */
export function workerFailure(cause: unknown): VmcoreError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new VmcoreError('ERR_VMCORE_WORKER', `a worker thread failed: ${why}`, { cause });
}

export function unpackError({ code, message, address, offset, file, cause }: SentError): VmcoreError {
  return new VmcoreError(code, message, { address, offset, file, cause: cause && unpackCause(cause) });
}

function packCause(cause: unknown): SentCause | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { code, errno, syscall }: Partial<SentCause> = { ...cause };
  return { message: cause.message, code, errno, syscall };
}

function unpackCause({ message, ...system }: SentCause): Error {
  return Object.assign(new Error(message), system);
}
