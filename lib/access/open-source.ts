import { fileURLToPath } from 'node:url';
import { argumentError } from '../errors.ts';
import { BufferSource } from './buffer-source.ts';
import type { ByteSource, SharedSource } from './byte-source.ts';
import { FileSource } from './file-source.ts';

/** What can be opened: a path, a file URL, an open descriptor (which stays the caller's), or a core in memory. */
export type CoreSource = string | URL | number | Uint8Array;

/** What other threads can be sent, too: a URL can't be. */
export type PlainSource = Exclude<CoreSource, URL>;

/** @throws VmcoreError ERR_VMCORE_ARGUMENT for what is no source. */
export function plainSource(source: CoreSource): PlainSource {
  if (typeof source === 'string' || source instanceof Uint8Array) return source;
  if (source instanceof URL && source.protocol === 'file:') return fileURLToPath(source);
  if (typeof source === 'number' && Number.isInteger(source) && source >= 0) return source;
  throw argumentError(`a core is a path, a file URL, a descriptor or a Uint8Array, not ${String(source)}`);
}

/** Opens each; when one fails, those before it are closed. @throws VmcoreError ERR_VMCORE_OPEN. */
export function openSources(
  sources: readonly PlainSource[],
  pageTableBudget: number | undefined,
): ByteSource[] {
  const opened: ByteSource[] = [];
  try {
    for (const source of sources) opened.push(openSource(source, pageTableBudget));
    return opened;
  } catch (error) {
    for (const source of opened) source.close();
    throw error;
  }
}

function openSource(source: PlainSource, pageTableBudget: number | undefined): ByteSource {
  return source instanceof Uint8Array ? new BufferSource(source) : new FileSource(source, pageTableBudget);
}

/** A source of this thread over what another one shared. Closing it leaves the other's open. */
export function reopenSource(shared: SharedSource): ByteSource {
  return new FileSource(shared);
}
