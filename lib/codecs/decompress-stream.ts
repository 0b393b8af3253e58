import { createRequire } from 'node:module';
import type { Transform } from 'node:stream';
import * as nodeZlib from 'node:zlib';
import { VmcoreError } from '../errors.ts';

/** The part of node:zlib that is there from 22.15 and 23.8 on. */
interface NodeZstd {
  createZstdDecompress(): Transform;
}

/** The part of `zstd-napi` that is used, which is an optional dependency. */
interface ZstdNapi {
  DecompressStream: new () => Transform;
}

/**
 * What decompresses a stream of any length: of zlib (RFC 1950) or of zstd (RFC 8878).
 * @throws VmcoreError ERR_VMCORE_CODEC when nothing in this process can.
 */
export function decompressStream(name: 'zlib' | 'zstd'): Transform {
  if (name === 'zlib') return nodeZlib.createInflate();
  const zlib = nodeZlib as typeof nodeZlib & Partial<NodeZstd>;
  if (zlib.createZstdDecompress) return zlib.createZstdDecompress();
  try {
    const { DecompressStream } = createRequire(import.meta.url)('zstd-napi') as ZstdNapi;
    return new DecompressStream();
  } catch (cause) {
    const message = 'no zstd in this process: install zstd-napi, or use Node.js 22.15 or later';
    throw new VmcoreError('ERR_VMCORE_CODEC', message, { cause });
  }
}
