import { createRequire } from 'node:module';
import type { CodecImplementation, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { checkLength, corruptPage } from './corrupt.ts';

/**
 * The part of `zstd-napi/binding` that is used. Declared here because the package is an optional dependency: without
 * it this must still compile.
 */
interface ZstdBinding {
  CCtx: new () => { compress(into: Uint8Array, from: Uint8Array, level: number): number };
  DCtx: new () => { decompress(into: Uint8Array, from: Uint8Array): number };
  compressBound(size: number): number;
  versionString(): string;
}

class ZstdNapiCodec implements PageCodec {
  readonly name = 'zstd';
  readonly flag = PAGE_COMPRESSION.zstd;
  readonly #binding: ZstdBinding;
  readonly #level: number;
  #compressor: InstanceType<ZstdBinding['CCtx']> | undefined;
  #decompressor: InstanceType<ZstdBinding['DCtx']> | undefined;
  /** For callers whose `into` could not take a page that grew: the binding throws then, which costs more than a copy. */
  #scratch = new Uint8Array(0);

  constructor(binding: ZstdBinding, level: number) {
    this.#binding = binding;
    this.#level = level;
  }

  compress(page: Uint8Array, into: Uint8Array): number {
    this.#compressor ??= new this.#binding.CCtx();
    const target = this.#roomFor(page.length, into);
    const size = this.#compressor.compress(target, page, this.#level);
    if (size >= page.length) return 0;
    if (target !== into) into.set(target.subarray(0, size));
    return size;
  }

  decompress(stored: Uint8Array, into: Uint8Array): void {
    this.#decompressor ??= new this.#binding.DCtx();
    let length: number;
    try {
      length = this.#decompressor.decompress(into, stored);
    } catch (error) {
      throw corruptPage(this.name, into.length, error);
    }
    checkLength(this.name, into.length, length);
  }

  #roomFor(size: number, into: Uint8Array): Uint8Array {
    const bound = this.#binding.compressBound(size);
    if (into.length >= bound) return into;
    if (this.#scratch.length < bound) this.#scratch = new Uint8Array(bound);
    return this.#scratch;
  }
}

/** libzstd through zstd-napi's low-level binding: no allocation for a page. */
export const zstdNapi: CodecImplementation = {
  name: 'zstd-napi',
  load: () => {
    const binding = createRequire(import.meta.url)('zstd-napi/binding') as ZstdBinding;
    return { version: binding.versionString(), create: (level) => new ZstdNapiCodec(binding, level) };
  },
};
