/**
 * The page flag of each compression that the kdump-compressed format knows; the same bit of the header's status says
 * which one the writer used (crash diskdump.h: DUMP_DH_COMPRESSED_*).
 */
export const PAGE_COMPRESSION = { zlib: 0x1, lzo: 0x2, snappy: 0x4, zstd: 0x20 } as const;

/**
 * Compresses and decompresses single pages. It owns buffers and native contexts: one thread uses it, one page at a
 * time; each worker makes its own.
 */
export interface PageCodec {
  readonly name: string;
  /** The flag of a page descriptor whose page this codec stored, see {@link PAGE_COMPRESSION}. */
  readonly flag: number;
  /**
   * Compresses `page` to the start of `into`, which holds at least `page.length` bytes. All of `into` may be
   * overwritten. Returns the stored size in bytes, or 0 when that would not be smaller than the page.
   */
  compress(page: Uint8Array, into: Uint8Array): number;
  /**
   * Decompresses the page `stored` to `into`, which it fills exactly. Never produces more, whatever `stored` claims.
   *
   * @throws VmcoreError ERR_VMCORE_CORRUPT when `stored` is damaged, or is a page of another size.
   */
  decompress(stored: Uint8Array, into: Uint8Array): void;
}

/** One library that does the work of a codec. */
export interface CodecImplementation {
  readonly name: string;
  /** Loads it. Returns what makes codecs, with the version if it tells; throws an Error that says why it can't. */
  load(): LoadedCodec;
}

export interface LoadedCodec {
  readonly version: string;
  create(level: number): PageCodec;
}

/** One compression of the format: what is known of it before any library is loaded. */
export interface CodecKind {
  readonly levels: { readonly min: number; readonly max: number; readonly standard: number };
  /** The best one first; the first that loads is used. */
  readonly implementations: readonly CodecImplementation[];
}
