/**
 * The contract of the addon (native/). Everything here is a system call or something JavaScript cannot do, or not without
 * an allocation for each page; nothing here knows what a dump is.
 *
 * A failed system call throws an `Error` with `code` ('ENOMEM', ...), `errno` (positive) and `syscall`
 * ('mmap', 'munmap', 'pread', 'preadv'). A wrong argument throws a `TypeError` or `RangeError` and makes no call.
 */

/**
 * Layout of {@link NativeSource.counters}: index into the Float64Array. `maps`, `unmaps` and `preads` (preadv(2)
 * too) are calls, failed ones included; bytes are those of calls that succeeded.
 */
export interface CounterIndex {
  readonly maps: 0;
  readonly mapBytes: 1;
  readonly mapErrors: 2;
  readonly unmaps: 3;
  readonly unmapBytes: 4;
  readonly unmapErrors: 5;
  readonly preads: 6;
  readonly preadBytes: 7;
  readonly preadErrors: 8;
  /** Bytes that are mapped now. */
  readonly mapped: 9;
  /** The most that was mapped at one time, in bytes. */
  readonly mappedHighWater: 10;
}

/** One open file. Its descriptor is borrowed: whoever opened it closes it, after the last region is gone. */
export interface NativeSource {
  /**
   * One pread(2) of `length` bytes at file offset `position` into `into` from its byte `offset` on; EINTR is retried
   * (each try is counted). Returns the number of bytes read, 0 at the end of the file. `into` must not be a window
   * (RangeError): windows are read-only memory.
   */
  pread(into: Uint8Array, offset: number, length: number, position: number): number;
  /**
   * One preadv(2) of all that `parts` covers from file offset `position` on (EINTR as above): its first `count` elements are
   * bytes that are wanted, left out, wanted, and so on. Wanted ones come to the beginning of `into` one after another; what
   * lies behind them is undefined, and it must be as long as all parts. Returns false, with nothing of use in `into`, when
   * not all was read. Throws a RangeError when `into` is a window or too short.
   */
  gather(position: number, parts: Int32Array, count: number, into: Uint8Array): boolean;
  /**
   * mmap(2), PROT_READ, MAP_PRIVATE, of `length` bytes at file offset `position` (both multiples of the host's page
   * size; `length` > 0). `populate` adds MAP_POPULATE.
   */
  map(position: number, length: number, populate?: boolean): NativeRegion;
  /** Writes the counters of this source to `into` (at least 11 elements, see {@link CounterIndex}). */
  counters(into: Float64Array): void;
}

/**
 * What one mmap covers. It stays mapped until `unmap()`, or until it and all its windows are garbage (and the event
 * loop turned), or until its thread ends. Memory that was moved to another thread reads as zeros from then on.
 */
export interface NativeRegion {
  readonly length: number;
  /** The address, for tests that compare with /proc/self/maps. */
  readonly address: bigint;
  /**
   * True once a SIGBUS hit this region, also after unmap(): the bytes read from it since then may be zeros that are not
   * in the file.
   */
  readonly faulted: boolean;
  /**
   * An ArrayBuffer over `length` bytes (1 to 16 MiB) from byte `offset` of the region. No system call. Writing to it
   * ends the process with SIGSEGV. Throws an `Error` with code 'ERR_UNMAPPED' after `unmap()`, and with code
   * 'ERR_NO_EXTERNAL_BUFFERS' in a runtime that has none (Electron).
   */
  window(offset: number, length: number): ArrayBuffer;
  /**
   * Fills the beginning of `into` with what `parts` wants of the bytes from `offset` on (see NativeSource.gather()). No
   * system call and no ArrayBuffer: V8 counts the bytes of windows as its own, and collects for each few. Throws an `Error`
   * with code 'ERR_UNMAPPED' after `unmap()`; a RangeError where `into` is a window or too short.
   */
  gather(offset: number, parts: Int32Array, count: number, into: Uint8Array): void;
  /**
   * Detaches every window (their byteLength becomes 0), then munmap(2). A window that user code transferred away, or
   * that was collected a moment ago, keeps the region mapped until its finalizer runs, at a turn of the event loop.
   * Calling it again does nothing, or tries again what failed: munmap(2) has ENOMEM near vm.max_map_count.
   */
  unmap(): void;
}

/** A zlib stream of the process's own zlib, used again for each page: what node:zlib makes, without its allocations. */
export interface NativeDeflater {
  /**
   * Compresses all of `from` to one zlib stream (RFC 1950) at the start of `into`. Returns its size in bytes, or 0 when
   * `into` is too short. At most 1 GiB each; `into` must not be a window (RangeError).
   */
  compress(from: Uint8Array, into: Uint8Array): number;
}

/** Layout of what {@link Native.touch} writes for each page, in cycles of {@link Native.clock}. */
export interface TouchIndex {
  /** Two readings of the clock with nothing between them: what each of the others has too much. */
  readonly nothing: 0;
  /** The first load of a byte of the page. */
  readonly firstLine: 1;
  /** One load in each of its other cache lines. */
  readonly otherLines: 2;
  /** The same loads once more. */
  readonly firstLineAgain: 3;
  readonly otherLinesAgain: 4;
}

export interface Native {
  /** A source over an open descriptor. */
  source(fd: number): NativeSource;
  /** `level`: 0 to 9. Window and memory level are node:zlib's. Throws an `Error` where there is no `zlibVersion`. */
  deflater(level: number): NativeDeflater;
  /** The version of the zlib that this process exports; absent where it exports none. */
  readonly zlibVersion?: string;
  /** Bytes mapped now by all sources of the process, workers included: what the page-table budget is held against. */
  mappedBytes(): number;
  /**
   * Loads a byte of every cache line of each whole page of `bytes`, twice, page by page, and writes the cycles that it
   * took to `into`, five elements for each page (see {@link TouchIndex}; RangeError when there are fewer). Returns the
   * number of pages.
   */
  touch(bytes: Uint8Array, into: Float64Array): number;
  /**
   * Makes tests on records of 32-bit words, `first` to `end` - 1 of those that `bytes` begins with, and groups neighbours that
   * pass the same ones. A run is two elements of `into`: the tests passed, bit 0 for the first test, and the number of
   * records. Returns the number of runs; when `into` is full the rest of the records is left out.
   *
   * `tests` holds the words of a record, the tests (as bits) of which one is enough for a record to be a run of its own, and
   * for each of at most 31 tests a word, a mask and a value: it is passed when `(word & mask) === value`, in the byte order
   * of this machine. They look at no more than 8 words. Throws a RangeError for tests or records that are not there.
   */
  recordRuns(bytes: Uint8Array, first: number, end: number, tests: Int32Array, into: Int32Array): number;
  /**
   * Writes to `into` for each whole block of `blockSize` bytes whether it has nothing but zeros (1 or 0). Returns the number
   * of those that have. Throws a RangeError when `into` is a window or too short.
   */
  zeroBlocks(bytes: Uint8Array, blockSize: number, into: Uint8Array): number;
  /** Bytes of a cache line as {@link Native.touch} steps: 256 on s390x, else 64. */
  readonly lineSize: number;
  /** The host's page size in bytes. */
  readonly pageSize: number;
  /** What {@link Native.cycles} counts: 'tsc' (x86_64 rdtscp), 'stckf' (s390x), 'clock' (clock_gettime, ns). */
  readonly clock: 'tsc' | 'stckf' | 'clock';
  /** The low 53 bits of the cycle clock, serialised against the loads around it. For differences: it wraps in weeks. */
  cycles(): number;
}
