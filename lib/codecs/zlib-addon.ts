import type { NativeDeflater } from '../../types/native.d.ts';
import { native } from '../access/native.ts';
import type { CodecImplementation, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { inflatePage } from './zlib-node.ts';

class AddonZlibCodec implements PageCodec {
  readonly name = 'zlib';
  readonly flag = PAGE_COMPRESSION.zlib;
  readonly #level: number;
  #deflater: NativeDeflater | undefined;

  constructor(level: number) {
    this.#level = level;
  }

  compress(page: Uint8Array, into: Uint8Array): number {
    this.#deflater ??= native().deflater(this.#level);
    const size = this.#deflater.compress(page, into);
    return size < page.length ? size : 0;
  }

  decompress(stored: Uint8Array, into: Uint8Array): void {
    inflatePage(stored, into);
  }
}

/** The zlib that the process has, called by the addon: the bytes of node:zlib, and no allocation for a page. */
export const addonZlib: CodecImplementation = {
  name: 'zlib',
  load: () => {
    const version = native().zlibVersion;
    if (version === undefined) throw new Error('this process exports no zlib');
    return { version, create: (level) => new AddonZlibCodec(level) };
  },
};
