// What a worker thread runs: it copies the jobs that CopyWorkers deals to it, one after another.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { ByteSource, SharedSource } from '../access/byte-source.ts';
import type { BatchSize } from '../access/memory-budget.ts';
import { reopenSource } from '../access/open-source.ts';
import type { ReadLimits } from '../access/read-plan.ts';
import { callsBetween, callsOf, type SourceCalls } from '../access/source-calls.ts';
import { type CodecName, codec } from '../codecs/registry.ts';
import type { ScrubRange } from '../filter/scrub.ts';
import type { Extents } from '../formats/extents.ts';
import type { PageBatch } from '../output/page-batch.ts';
import { type CopiedBatch, JobCopier } from './copy-job.ts';
import type { EncodedBatch } from './encode.ts';
import { unpackJob } from './job-message.ts';
import { packError, type SentError } from './sent-error.ts';

/** How pages are compressed. */
export interface Compression {
  readonly name: CodecName;
  readonly level: number | undefined;
}

/** What every job of a dump needs. */
export interface CopySetup {
  readonly source: SharedSource;
  readonly extents: Extents;
  /** Bytes of a page. */
  readonly pageSize: number;
  readonly limits: ReadLimits;
  readonly compression: Compression | undefined;
  readonly shareZeroPages: boolean;
  /** What is overwritten before anything else is done with a page. */
  readonly scrub: readonly ScrubRange[];
  /** As many may be on their way as it says; the worker waits for one to come back before it sends another. */
  readonly batch: BatchSize;
}

/** What a worker is told. */
export type WorkerOrder =
  | { readonly kind: 'setup'; readonly setup: CopySetup }
  | { readonly kind: 'job'; readonly job: Float64Array }
  /** A batch whose buffers nobody needs any more. */
  | { readonly kind: 'reuse'; readonly batch: PageBatch };

/** What it answers. Answers about a job come in its order. */
export type WorkerAnswer =
  | { readonly kind: 'batch'; readonly batch: SentBatch }
  /** The job is done. */
  | { readonly kind: 'end'; readonly calls: SourceCalls }
  | { readonly kind: 'error'; readonly error: SentError };

/** A batch whose buffers moved to the other thread. */
export interface SentBatch extends EncodedBatch {
  readonly unreadable: readonly { readonly pfn: number; readonly error: SentError }[];
}

class CopyWorker {
  readonly #send: (answer: WorkerAnswer, moved?: ArrayBuffer[]) => void;
  readonly #setup: CopySetup;
  readonly #source: ByteSource;
  readonly #copier: JobCopier;
  /** Batches that have not come back. */
  #sent = 0;
  #cameBack = (): void => {};
  #calls: SourceCalls;

  constructor(setup: CopySetup, send: (answer: WorkerAnswer, moved?: ArrayBuffer[]) => void) {
    this.#setup = setup;
    this.#send = send;
    this.#source = reopenSource(setup.source);
    this.#calls = callsOf(this.#source);
    const { compression } = setup;
    this.#copier = new JobCopier({
      ...setup,
      source: this.#source,
      codec: compression && codec(compression.name, { level: compression.level }),
    });
  }

  async copy(packed: Float64Array): Promise<void> {
    for (const batch of this.#copier.copy(unpackJob(packed, this.#setup.pageSize))) {
      if (!batch) continue;
      this.#sendBatch(batch);
      // Buffers that came back are taken in at a turn of the event loop.
      await nextTurn();
      while (this.#sent >= this.#setup.batch.perThread) await this.#nextReturn();
    }
    this.#send({ kind: 'end', calls: this.#newCalls() });
  }

  reuse(batch: PageBatch): void {
    this.#sent--;
    this.#copier.reuse(batch);
    this.#cameBack();
  }

  #nextReturn(): Promise<void> {
    return new Promise((resolve) => {
      this.#cameBack = resolve;
    });
  }

  #sendBatch({ unreadable, ...batch }: CopiedBatch): void {
    this.#sent++;
    const errors = unreadable.map(({ pfn, error }) => ({ pfn, error: packError(error) }));
    const moved = [batch.data, batch.sizes, batch.flags].map(({ buffer }) => buffer as ArrayBuffer);
    this.#send({ kind: 'batch', batch: { ...batch, unreadable: errors } }, moved);
  }

  /** Since they were last told. */
  #newCalls(): SourceCalls {
    const before = this.#calls;
    this.#calls = callsOf(this.#source);
    return callsBetween(before, this.#calls);
  }
}

/** Follows the orders that come through `port`, jobs one at a time. */
function serve(port: MessagePort): void {
  const send = (answer: WorkerAnswer, moved: ArrayBuffer[] = []): void => port.postMessage(answer, moved);
  let worker: CopyWorker | undefined;
  let jobs: Promise<void> = Promise.resolve();
  const follow = async (order: WorkerOrder): Promise<void> => {
    try {
      if (order.kind === 'setup') worker = new CopyWorker(order.setup, send);
      else if (order.kind === 'job') await worker!.copy(order.job);
    } catch (error) {
      send({ kind: 'error', error: packError(error) });
    }
  };
  port.on('message', (order: WorkerOrder) => {
    if (order.kind === 'reuse') worker?.reuse(order.batch);
    else jobs = jobs.then(() => follow(order));
  });
}

if (parentPort) serve(parentPort);
