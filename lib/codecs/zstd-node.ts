import * as nodeZlib from 'node:zlib';
import type { CodecImplementation, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { checkLength, corruptPage } from './corrupt.ts';

/** What node:zlib has from 22.15 and 23.8 on, and the oldest supported Node has not. */
interface NodeZstd {
  zstdCompressSync(page: Uint8Array, options: NodeZstdOptions): Uint8Array;
  zstdDecompressSync(stored: Uint8Array, options: NodeZstdOptions): Uint8Array;
}

interface NodeZstdOptions {
  chunkSize: number;
  maxOutputLength?: number;
  pledgedSrcSize?: number;
  params?: Record<number, number>;
}

/** ZSTD_c_compressionLevel (zstd.h, ZSTD_cParameter). */
const COMPRESSION_LEVEL = 100;

/** A page that grew needs no second chunk: ZSTD_compressBound adds 1/256 and 64 bytes at most to small inputs. */
const CHUNK_MARGIN = 512;

class NodeZstdCodec implements PageCodec {
  readonly name = 'zstd';
  readonly flag = PAGE_COMPRESSION.zstd;
  readonly #zlib: NodeZstd;
  readonly #params: Record<number, number>;

  constructor(zlib: NodeZstd, level: number) {
    this.#zlib = zlib;
    this.#params = { [COMPRESSION_LEVEL]: level };
  }

  compress(page: Uint8Array, into: Uint8Array): number {
    const stored = this.#zlib.zstdCompressSync(page, {
      chunkSize: page.length + CHUNK_MARGIN,
      pledgedSrcSize: page.length,
      params: this.#params,
    });
    if (stored.length >= page.length) return 0;
    into.set(stored);
    return stored.length;
  }

  decompress(stored: Uint8Array, into: Uint8Array): void {
    let page: Uint8Array;
    try {
      page = this.#zlib.zstdDecompressSync(stored, {
        chunkSize: into.length + CHUNK_MARGIN,
        maxOutputLength: into.length,
      });
    } catch (error) {
      throw corruptPage(this.name, into.length, error);
    }
    checkLength(this.name, into.length, page.length);
    into.set(page);
  }
}

/** The zstd of node:zlib: nothing to install, about twice the time for a page. */
export const nodeZstd: CodecImplementation = {
  name: 'node:zlib',
  load: () => {
    const zlib = nodeZlib as typeof nodeZlib & Partial<NodeZstd>;
    if (!hasZstd(zlib)) throw new Error(`no zstd in Node ${process.versions.node}, only from 22.15 on`);
    return { version: process.versions.zstd ?? '', create: (level) => new NodeZstdCodec(zlib, level) };
  },
};

function hasZstd(zlib: Partial<NodeZstd>): zlib is NodeZstd {
  return typeof zlib.zstdCompressSync === 'function' && typeof zlib.zstdDecompressSync === 'function';
}
