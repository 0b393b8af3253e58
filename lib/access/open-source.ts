import { fileURLToPath } from 'node:url';
import { VmcoreError } from '../errors.ts';
import { BufferSource } from './buffer-source.ts';
import type { ByteSource } from './byte-source.ts';
import { FileSource } from './file-source.ts';

/** What can be opened: a path, a file URL, an open descriptor (which stays the caller's), or a core in memory. */
export type CoreSource = string | URL | number | Uint8Array;

/** @throws VmcoreError ERR_VMCORE_OPEN, or ERR_VMCORE_ARGUMENT for what is none of these. */
export function openSource(source: CoreSource, pageTableBudget: number | undefined): ByteSource {
  if (typeof source === 'string') return new FileSource(source, pageTableBudget);
  if (source instanceof Uint8Array) return new BufferSource(source);
  if (source instanceof URL && source.protocol === 'file:') {
    return new FileSource(fileURLToPath(source), pageTableBudget);
  }
  if (typeof source === 'number' && Number.isInteger(source) && source >= 0) {
    return new FileSource(source, pageTableBudget);
  }
  throw new VmcoreError(
    'ERR_VMCORE_ARGUMENT',
    `a core is a path, a file URL, a descriptor or a Uint8Array, not ${String(source)}`,
  );
}
