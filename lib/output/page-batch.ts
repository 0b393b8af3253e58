/** In {@link PageBatch.flags}: a page of zeros that shares the one zero page of the dump. It has no data. */
export const ZERO_PAGE = 0xffffffff;

/**
 * In {@link PageBatch.flags}: a page that could not be read. It has no data and its descriptor stays zero, which readers
 * report as an error for that page.
 */
export const MISSING_PAGE = 0xfffffffe;

/**
 * Consecutive dumpable pages, ready to be stored: ascending pfns with nothing dumpable between them or left out. Which
 * pfns they are bitmap 2 says, not the batch.
 */
export interface PageBatch {
  /** Number of pages. */
  readonly count: number;
  /** Stored size of each page in bytes; the first `count` count. */
  readonly sizes: Uint32Array;
  /** Flags of each page descriptor: 0, a codec's flag, {@link ZERO_PAGE} or {@link MISSING_PAGE}. */
  readonly flags: Uint32Array;
  /** The stored pages one after the other: the sum of the sizes in bytes. */
  readonly data: Uint8Array;
}
