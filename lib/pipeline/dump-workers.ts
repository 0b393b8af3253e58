import type { ByteSource } from '../access/byte-source.ts';
import { CopyWorkers } from './copy-workers.ts';

/** The worker threads of one level of a dump. They start at once, so that they are there when pages are to be copied. */
export class DumpWorkers implements AsyncDisposable {
  readonly #teams: readonly (CopyWorkers | undefined)[];
  readonly #failure = new AbortController();

  /** Divides `count` threads among as many jobs as are done at the same time: the first ones get one more, or any. */
  constructor(count: number, jobs: number, source: ByteSource) {
    this.#teams = Array.from({ length: jobs }, (_, i) => {
      const own = Math.floor(count / jobs) + (i < count % jobs ? 1 : 0);
      if (own === 0) return undefined;
      return new CopyWorkers(own, {
        onCalls: (calls) => source.addCalls(calls),
        onFailure: (error) => this.#failure.abort(error),
      });
    });
  }

  /** Aborted when a thread fails, with ERR_VMCORE_WORKER or what reading threw in it. */
  get failure(): AbortSignal {
    return this.#failure.signal;
  }

  /** The threads of a job; undefined where it has none. */
  of(job: number): CopyWorkers | undefined {
    return this.#teams[job];
  }

  /** Ends the threads, whatever they are at, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#teams.map((team) => team?.close()));
  }
}
