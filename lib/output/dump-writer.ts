import type { PageBatch } from './page-batch.ts';
import type { AbortMode } from './sink.ts';

/**
 * Writes a dump in one format: begin(), append() until all announced pages are there, settle(), finish(); or abort() at any
 * time. One call at a time. The bytes depend on nothing but the pages, and not on how they are grouped to batches.
 */
export interface DumpWriter {
  /** Size of the dump in bytes, as far as it is written. */
  readonly size: number;
  /** Writes all that comes before the pages. The dump is marked incomplete. Rejects with what the sink rejects with. */
  begin(): Promise<void>;
  /**
   * Appends the next pages, in ascending order of pfn. The batch must not change until the promise is settled. After a
   * rejection there is only abort(), which keeps those pages of the batch that did reach the sink.
   */
  append(batch: PageBatch): Promise<void>;
  /**
   * Writes what is left and brings everything to the medium, all but that the dump is complete: what there may be no room
   * for comes before that. finish() does it where it was not done.
   *
   * @throws VmcoreError ERR_VMCORE_ARGUMENT when announced pages were not appended; else what the sink rejects with.
   */
  settle(): Promise<void>;
  /** Makes the dump complete and durable. One with missing pages keeps the incomplete mark. @throws as settle(). */
  finish(): Promise<void>;
  /**
   * Ends a dump that will not be complete; with `keep` so that the pages that were written can be read. Returns where
   * it lies, if it is kept. Does nothing after finish().
   */
  abort(mode: AbortMode): Promise<string | undefined>;
}
