import { availableParallelism } from 'node:os';
import { argumentError, type VmcoreError } from '../errors.ts';
import { threadsInAddressSpace } from './address-space-limit.ts';
import type { ByteSource } from './byte-source.ts';
import type { AccessProfile } from './profile.ts';
import type { ReadObjective } from './read-plan.ts';
import type { SlotOptions } from './slots.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;

/** What does not fit into a budget is made half as large, until it does. Powers of two, as regions are. */
const SCALES = [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32];
/** Stored pages of one batch, in bytes, and their number: zero pages take no data, so they need a bound of their own. */
const BATCH_BYTES = MIB;
const BATCH_PAGES = 16 * KIB;
/** Size and flags of a page of a batch. */
const BATCH_BYTES_PER_PAGE = 8;
/** Without threads one batch is being written while another is filled, and one may wait between them. */
const BATCHES_OF_CALLER = 3;
/** Batches of a thread that are on their way or wait for those of other threads, at most. More save no time. */
const BATCHES_OF_THREAD = 4;
/** A range that is read when it can't be mapped (pipeline/page-reader.ts). */
const READER_PAGES = 128;
/** What a codec keeps; zstd at its highest level has the most. */
const CODEC_BYTES = MIB;
/** Descriptors that are not written yet, zeros that keep room for them, pieces for a stream (lib/output), and a plan. */
const WRITER_BYTES = 3 * MIB;
/** Heap, code and stack of a thread: its young generation is limited to 4 MiB (pipeline/copy-workers.ts). */
const THREAD_BYTES = 16 * MIB;
/**
 * What bitmaps that may be in pieces take of a budget at most, and the smallest piece of one, in bytes: of 32 GiB of
 * memory in pages of 4 KiB. Pieces are whole multiples.
 */
const BITMAPS_SHARE = 1 / 8;
const PIECE_BYTES = MIB;
/** By default threads may take this part of the memory that is left: a capture kernel has 256 MiB or less for all. */
const DEFAULT_SHARE = 1 / 4;
/** A thread takes 50 ms to start: for less than so many bytes of a core it comes too late. */
const CORE_BYTES_PER_THREAD = 256 * MIB;
/** More threads than any machine has processors are a mistake. */
const MOST_WORKERS = 1024;

/** What may be taken of memory. */
export interface MemoryOptions {
  /**
   * What this may take of memory, in bytes: mapped regions and their page tables, buffers, bitmaps, queues, worker
   * threads. Regions and batches get smaller until all fits; a budget that is too small for the smallest is refused,
   * with the least that works. Not in it: Node.js and the JavaScript heap of the calling thread (node
   * `--max-semi-space-size=1` keeps that small), and the list of records of a flattened core.
   *
   * Default: sizes that suit, with as many worker threads as fit into a quarter of the memory that is left.
   */
  readonly memoryBudget?: number | undefined;
}

/** How many threads copy pages, and within what. Of a dump, `memoryBudget` goes before that of the open core. */
export interface WorkerOptions extends MemoryOptions {
  /**
   * Worker threads that read and compress pages; 0 for none, so that the calling thread does it. The dump is the same.
   * Default: one for each processor, as far as the memory budget and the size of the core allow it. A core in a Buffer
   * is always copied without: other threads could only have a copy of it. Nor are there more than RLIMIT_AS has room for.
   */
  readonly workers?: number | undefined;
}

/** What a core takes of memory. */
export interface CoreMemory {
  readonly source: ByteSource;
  /** Bytes of a page. */
  readonly pageSize: number;
  /** One bit for each page of the core, in bytes. */
  readonly bitmapBytes: number;
  /** What is kept while the core is open, in bytes: notes, extents, the bitmaps of a dump. */
  readonly heldBytes: number;
  /** How the core is reached at one of the scales. */
  profile(scale: number): AccessProfile;
}

/** What passes over the core. */
export interface PassMemory {
  /** Bitmaps at one time. */
  readonly bitmaps: number;
  /** Whether they may be a piece at a time, for part of the pages. */
  readonly inPieces: boolean;
  /** Files or streams that are written at the same time; 0 for a pass that copies no pages. */
  readonly writers: number;
  readonly objective: ReadObjective;
}

/** A batch of stored pages. */
export interface BatchSize {
  /** Bytes of stored pages, at most. */
  readonly bytes: number;
  readonly pages: number;
  /** Batches that a thread may have on their way. */
  readonly perThread: number;
}

/** What a pass takes to stay within a budget. */
export interface PassSizes {
  readonly profile: AccessProfile;
  /** The scale of the profile. */
  readonly scale: number;
  readonly batch: BatchSize;
  /** Worker threads. */
  readonly workers: number;
  /** Pages whose bits are in memory at the same time: no fewer than a core has, where bitmaps are no matter. */
  readonly piecePages: number;
}

/** The least that an open core is good for: a dump by the calling thread. */
export const PLAIN_DUMP: PassMemory = { bitmaps: 3, inPieces: true, writers: 1, objective: 'time' };

/** Divides a budget among all that takes memory. */
export class MemoryBudget {
  readonly #core: CoreMemory;
  readonly #bytes: number | undefined;

  /** @throws VmcoreError ERR_VMCORE_ARGUMENT when a dump of the core does not fit into `bytes`. */
  constructor(core: CoreMemory, bytes?: number) {
    this.#core = core;
    this.#bytes = checkBudget(bytes);
    this.fit(PLAIN_DUMP, { workers: 0 });
  }

  /**
   * The largest sizes with which a pass stays within the budget, and the threads that it has room for.
   * @throws VmcoreError ERR_VMCORE_ARGUMENT for options out of range, and for a budget that is too small.
   */
  fit(pass: PassMemory, options: WorkerOptions): PassSizes {
    const bytes = checkBudget(options.memoryBudget) ?? this.#bytes;
    const workers = checkWorkers(options.workers, this.#core.source) ?? this.#affordable(pass, bytes);
    const scale = SCALES.find((scale) => this.#takes(pass, scale, workers, bytes) <= (bytes ?? Infinity));
    if (scale === undefined) throw this.#tooSmall(pass, workers, bytes!);
    const piecePages = this.#piece(pass, bytes) * 8;
    return { profile: this.#core.profile(scale), scale, batch: batchSize(scale), workers, piecePages };
  }

  /** Threads take what is left beside everything in its full size, or there are none. */
  #affordable(pass: PassMemory, bytes: number | undefined): number {
    const processors = availableParallelism();
    // With one processor, a thread of its own only takes memory.
    if (processors === 1) return 0;
    const useful = Math.min(
      processors,
      Math.floor(this.#core.source.size / CORE_BYTES_PER_THREAD),
      threadsInAddressSpace(),
    );
    const budget = bytes ?? defaultBudget();
    for (let workers = useful; workers > 0; workers--) {
      const takes =
        bytes === undefined ? workers * this.#threadBytes(1) : this.#takes(pass, 1, workers, bytes);
      if (takes <= budget) return workers;
    }
    return 0;
  }

  /** All that a pass takes, in bytes. */
  #takes(pass: PassMemory, scale: number, workers: number, budget: number | undefined): number {
    const { writers, objective } = pass;
    const { heldBytes, bitmapBytes, source } = this.#core;
    const { tables, structPages, memory, pageTableBytes, limits } = this.#core.profile(scale);
    // Single struct pages (explain) have slots like those of users' reads.
    const slots = [tables, structPages, memory, memory].reduce((sum, one) => sum + this.#slotBytes(one), 0);
    const kept = heldBytes + slots + pass.bitmaps * Math.min(bitmapBytes, this.#piece(pass, budget));
    if (writers === 0) return kept + pageTableBytes;
    const maps =
      source.mapping === 'lazy' ? Math.max(1, workers) * limits(objective, Math.max(1, workers)).map : 0;
    const copying =
      workers === 0 ? this.#readerBytes(scale, BATCHES_OF_CALLER) : workers * this.#threadBytes(scale);
    return kept + pageTableBytes + maps + copying + writers * WRITER_BYTES;
  }

  /** Bytes of a bitmap that are in memory at the same time; Infinity for all of it. */
  #piece({ bitmaps, inPieces }: PassMemory, bytes = defaultBudget()): number {
    const most = (bytes * BITMAPS_SHARE) / bitmaps;
    if (!inPieces || this.#core.bitmapBytes <= Math.max(most, PIECE_BYTES)) return Number.POSITIVE_INFINITY;
    return Math.max(PIECE_BYTES, most - (most % PIECE_BYTES));
  }

  #threadBytes(scale: number): number {
    return THREAD_BYTES + this.#readerBytes(scale, BATCHES_OF_THREAD + 1);
  }

  #readerBytes(scale: number, batches: number): number {
    const { pageSize, profile } = this.#core;
    const { bytes, pages } = batchSize(scale);
    const batch = Math.max(bytes, 2 * pageSize) + pages * BATCH_BYTES_PER_PAGE;
    return (
      CODEC_BYTES +
      Math.max(profile(scale).limits('time', 1).pread, READER_PAGES * pageSize) +
      batches * batch
    );
  }

  /** Touched pages of a mapped file count as resident, memory of /proc/vmcore does not. What can't be mapped is read. */
  #slotBytes({ slots, regionBytes, readBytes, policy }: SlotOptions): number {
    const mapped = policy !== 'read' && this.#core.source.mapping === 'lazy' ? regionBytes : 0;
    return slots * Math.max(mapped, readBytes);
  }

  #tooSmall(pass: PassMemory, workers: number, bytes: number): VmcoreError {
    const least = this.#takes(pass, SCALES.at(-1)!, workers, bytes);
    const { name } = this.#core.source;
    const by = workers > 0 ? ` with ${workers} worker threads` : '';
    const message = `${name}: a memoryBudget of ${bytes} bytes is too small${by}: at least ${least} are needed`;
    return argumentError(message, name);
  }
}

function defaultBudget(): number {
  return Math.floor(process.availableMemory() * DEFAULT_SHARE);
}

function batchSize(scale: number): BatchSize {
  return { bytes: BATCH_BYTES * scale, pages: BATCH_PAGES * scale, perThread: BATCHES_OF_THREAD };
}

/** Where memory is no matter. */
export const FULL_BATCH = batchSize(1);

/** @throws VmcoreError ERR_VMCORE_ARGUMENT. */
export function checkBudget(bytes: number | undefined): number | undefined {
  if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0)) return bytes;
  throw argumentError(`memoryBudget is a number of bytes, not ${String(bytes)}`);
}

/** The threads that are asked for, 0 where there can be none; undefined for as many as are good. */
function checkWorkers(workers: number | undefined, source: ByteSource): number | undefined {
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 0 && workers <= MOST_WORKERS)) {
    throw argumentError(`workers: 0 to ${MOST_WORKERS}, not ${String(workers)}`);
  }
  if (!source.shared) return 0;
  return workers === undefined ? undefined : Math.min(workers, threadsInAddressSpace());
}
