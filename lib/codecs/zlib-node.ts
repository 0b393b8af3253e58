import { deflateSync, inflateSync } from 'node:zlib';
import type { CodecImplementation, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { checkLength, corruptPage } from './corrupt.ts';

/** node:zlib allocates its output in chunks: with this much above a page even one that grew needs a single chunk. */
const CHUNK_MARGIN = 64;

class NodeZlibCodec implements PageCodec {
  readonly name = 'zlib';
  readonly flag = PAGE_COMPRESSION.zlib;
  readonly #level: number;

  constructor(level: number) {
    this.#level = level;
  }

  compress(page: Uint8Array, into: Uint8Array): number {
    const stored = deflateSync(page, { level: this.#level, chunkSize: page.length + CHUNK_MARGIN });
    if (stored.length >= page.length) return 0;
    into.set(stored);
    return stored.length;
  }

  decompress(stored: Uint8Array, into: Uint8Array): void {
    inflatePage(stored, into);
  }
}

/** Fills `into` exactly. @throws VmcoreError ERR_VMCORE_CORRUPT. */
export function inflatePage(stored: Uint8Array, into: Uint8Array): void {
  const size = into.length;
  let page: Uint8Array;
  try {
    page = inflateSync(stored, { maxOutputLength: size, chunkSize: size + CHUNK_MARGIN });
  } catch (error) {
    throw corruptPage('zlib', size, error);
  }
  checkLength('zlib', size, page.length);
  into.set(page);
}

/** Always there. Its allocations for each page cost a third of what the page takes. */
export const nodeZlib: CodecImplementation = {
  name: 'node:zlib',
  load: () => ({ version: process.versions.zlib, create: (level) => new NodeZlibCodec(level) }),
};
