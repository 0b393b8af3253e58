import { deflateSync, inflateSync } from 'node:zlib';
import type { CodecKind, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { checkLength, corruptPage } from './corrupt.ts';

/** node:zlib allocates its output in chunks: with this much above a page even one that grew needs a single chunk. */
const CHUNK_MARGIN = 64;

/** zlib streams (RFC 1950), one for each page. */
class ZlibCodec implements PageCodec {
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
    const page = inflate(stored, into.length);
    checkLength(this.name, into.length, page.length);
    into.set(page);
  }
}

function inflate(stored: Uint8Array, size: number): Uint8Array {
  try {
    return inflateSync(stored, { maxOutputLength: size, chunkSize: size + CHUNK_MARGIN });
  } catch (error) {
    throw corruptPage('zlib', size, error);
  }
}

export const zlib: CodecKind = {
  levels: { min: 1, max: 9, standard: 1 },
  implementations: [
    {
      name: 'node:zlib',
      load: () => ({ version: process.versions.zlib, create: (level) => new ZlibCodec(level) }),
    },
  ],
};
