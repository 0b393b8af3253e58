import { readFileSync } from 'node:fs';
import { native } from './native.ts';

/**
 * What a map leaves of a limited address space, in bytes: V8 ends the process when it gets none for its heap, and the C
 * library reserves 64 MiB for each thread that allocates.
 */
const HEADROOM = 128 << 20;
/** What Node.js reserves for a worker thread, in bytes: 510 MiB were measured (Node.js 20), 128 of them for code. */
const WORKER_BYTES = 576 << 20;

/** RLIMIT_AS of this process in bytes; Infinity without a limit. */
export function addressSpaceLimit(): number {
  const limits = readText('/proc/self/limits');
  return Number(/^Max address space\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

/** How many worker threads the address space has room for: V8 ends the process when one can't have what it reserves. */
export function threadsInAddressSpace(): number {
  const limit = addressSpaceLimit();
  return Number.isFinite(limit)
    ? Math.max(0, Math.floor((limit - usedAddressSpace() - HEADROOM) / WORKER_BYTES))
    : Number.POSITIVE_INFINITY;
}

/**
 * Throws when mapping `length` bytes would leave too little of `limit` bytes of address space. The error has the code
 * RLIMIT_AS, so that it counts among the reasons for which a map can fail: to wait for ENOMEM would be too late.
 */
export function holdAddressSpace(length: number, limit: number): void {
  if (limit === Number.POSITIVE_INFINITY) return;
  const used = usedAddressSpace();
  if (!(used + length + HEADROOM > limit)) return;
  const message = `${used} bytes of address space are used, and the limit is ${limit}`;
  throw Object.assign(new Error(message), { code: 'RLIMIT_AS' });
}

/** Bytes. */
function usedAddressSpace(): number {
  // The first number is the size of the address space in pages: proc_pid_statm(5).
  return Number.parseInt(readText('/proc/self/statm'), 10) * native().pageSize;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
