import type { PageCodec } from './codec.ts';
import { codec, compressionOf } from './registry.ts';

/** The codecs of stored pages: each is made when its flag is first met. */
export class PageCodecs {
  readonly #made = new Map<number, PageCodec>();

  /** By the flags of a page descriptor; undefined where they name none. @throws VmcoreError ERR_VMCORE_CODEC */
  of(flags: number): PageCodec | undefined {
    const known = this.#made.get(flags);
    if (known) return known;
    const name = compressionOf(flags);
    if (!name) return undefined;
    const made = codec(name);
    this.#made.set(flags, made);
    return made;
  }
}
