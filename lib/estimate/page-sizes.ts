import { type CodecName, codec } from '../codecs/registry.ts';
import { PageEncoder } from '../pipeline/encode.ts';
import { PageReader, type PageReaderOptions } from '../pipeline/page-reader.ts';
import { PageRuns } from '../pipeline/page-runs.ts';

/** How pages are stored. */
export interface Storage {
  /** Stored raw when absent. */
  readonly compression: CodecName | undefined;
  readonly compressionLevel: number | undefined;
}

/** Reads single pages and stores them as a dump would, in each of several ways, to tell how large they become. */
export class PageSizes {
  readonly #reader: PageReader;
  readonly #encoders: readonly PageEncoder[];

  /** @throws VmcoreError ERR_VMCORE_CODEC, ERR_VMCORE_ARGUMENT, as codec(). */
  constructor(options: PageReaderOptions, ways: readonly Storage[], shareZeroPages: boolean) {
    const { pageSize } = options;
    this.#reader = new PageReader(options);
    this.#encoders = ways.map(({ compression, compressionLevel: level }) => {
      const pageCodec = compression && codec(compression, { level });
      // One page at a time: what is made of it is not kept.
      const batch = { bytes: pageSize, pages: 1 };
      return new PageEncoder({ pageSize, codec: pageCodec, shareZeroPages, batch });
    });
  }

  /** The stored size of a page in each way, in bytes; 0 for one that shares another's data, or can't be read. */
  sizesOf(pfn: number): number[] {
    const runs = PageRuns.of({ firstPfn: pfn, pages: 1, offset: -1 });
    const read = { runs, method: 'pieces', start: -1, end: -1, cost: 0 } as const;
    const [piece] = this.#reader.pieces([read]);
    return this.#encoders.map((encoder) => {
      if (!piece || !('bytes' in piece)) return 0;
      encoder.encode(piece.bytes);
      const batch = encoder.take();
      encoder.reuse(batch);
      return batch.sizes[0]!;
    });
  }
}
