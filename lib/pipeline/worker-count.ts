import { availableParallelism } from 'node:os';
import type { ByteSource } from '../access/byte-source.ts';
import { VmcoreError } from '../errors.ts';

/** By default, a dump may take this part of the memory that is left: a capture kernel has 256 MiB or less for all. */
const DEFAULT_SHARE = 1 / 4;
/** What a thread takes, in bytes: its heap and code, and the batches that wait for those of other threads. */
const WORKER_BYTES = 32 << 20;
/** A thread takes 50 ms to start: for less than so many bytes of a core it comes too late. */
const CORE_BYTES_PER_WORKER = 256 << 20;
/** More threads than any machine has processors are a mistake. */
const MOST_WORKERS = 1024;

/** How many threads copy pages. */
export interface WorkerOptions {
  /**
   * Worker threads that read and compress pages; 0 for none, so that the calling thread does it. The dump is the same.
   * Default: one for each processor, as far as the memory budget and the size of the core allow it. A core in a Buffer
   * is always copied without: other threads could only have a copy of it.
   */
  readonly workers?: number | undefined;
  /** Bytes that worker threads may take; default a quarter of the memory that is left to this process. */
  readonly memoryBudget?: number | undefined;
}

/** The budget, or its default. @throws VmcoreError ERR_VMCORE_ARGUMENT for what is none. */
export function budgetOf(memoryBudget: number | undefined): number {
  const budget = memoryBudget ?? Math.floor(process.availableMemory() * DEFAULT_SHARE);
  if (Number.isSafeInteger(budget) && budget >= 0) return budget;
  throw new VmcoreError('ERR_VMCORE_ARGUMENT', `memoryBudget is a number of bytes, not ${budget}`);
}

/** @throws VmcoreError ERR_VMCORE_ARGUMENT for options that are out of range. */
export function workerCount({ workers, memoryBudget }: WorkerOptions, source: ByteSource): number {
  const budget = budgetOf(memoryBudget);
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 0 && workers <= MOST_WORKERS)) {
    throw new VmcoreError('ERR_VMCORE_ARGUMENT', `workers: 0 to ${MOST_WORKERS}, not ${workers}`);
  }
  if (!source.shared) return 0;
  if (workers !== undefined) return workers;
  const processors = availableParallelism();
  const affordable = Math.floor(budget / WORKER_BYTES);
  const useful = Math.floor(source.size / CORE_BYTES_PER_WORKER);
  // With one processor, a thread of its own only takes memory.
  return processors === 1 ? 0 : Math.min(processors, affordable, useful);
}
