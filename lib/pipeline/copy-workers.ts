import { Worker } from 'node:worker_threads';
import type { SourceCalls } from '../access/source-calls.ts';
import type { VmcoreError } from '../errors.ts';
import type { PageBatch } from '../output/page-batch.ts';
import type { CopiedBatch, CopyJob } from './copy-job.ts';
import type { CopySetup, SentBatch, WorkerAnswer, WorkerOrder } from './copy-worker.ts';
import { packJob } from './job-message.ts';
import { unpackError, workerFailure } from './sent-error.ts';

/** A thread has so many jobs at a time: the next one is there when one is done. */
const JOBS_OF_THREAD = 2;
/** Megabytes of JavaScript objects of a thread: it needs few, and young ones that are not collected count as resident. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 4 };

/** What came of a job so far. */
interface JobOutput {
  readonly thread: CopyThread;
  readonly batches: SentBatch[];
  ended: boolean;
}

interface CopyThread {
  readonly worker: Worker;
  /** Jobs that it has, the one it works on first. */
  readonly jobs: JobOutput[];
}

/** What is told of worker threads. */
export interface WorkerEvents {
  /** What a thread called on the core, when a job is done. */
  onCalls(calls: SourceCalls): void;
  /** A thread failed or ended: ERR_VMCORE_WORKER, or what reading threw. There will be no more batches. */
  onFailure(error: VmcoreError): void;
}

/** Worker threads that copy jobs. They start when this is made, and need no setup until there are jobs. */
export class CopyWorkers {
  readonly #threads: CopyThread[];
  /** Jobs whose batches were not all handed out, in the order of the dump. */
  readonly #outputs: JobOutput[] = [];
  readonly #owners = new WeakMap<PageBatch, CopyThread>();
  readonly #events: WorkerEvents;
  #undealt: Iterator<CopyJob> | undefined;
  #closing = false;
  #wake = (): void => {};

  constructor(count: number, events: WorkerEvents) {
    this.#events = events;
    this.#threads = Array.from({ length: count }, () => this.#start());
  }

  get count(): number {
    return this.#threads.length;
  }

  /** Says what all jobs need that come from now on. */
  begin(setup: CopySetup): void {
    for (const thread of this.#threads) send(thread, { kind: 'setup', setup });
  }

  /**
   * The batches of all jobs in order, whichever thread made them. One call at a time; after one that was not iterated to
   * its end there is only close().
   * @param signal has to be aborted when a thread fails.
   * @throws the signal's reason.
   */
  async *batches(jobs: Iterable<CopyJob>, signal: AbortSignal): AsyncGenerator<CopiedBatch> {
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      this.#undealt = jobs[Symbol.iterator]();
      for (let i = 0; i < JOBS_OF_THREAD * this.count; i++) this.#deal(this.#threads[i % this.count]!);
      for (;;) {
        signal.throwIfAborted();
        const first = this.#outputs[0];
        if (!first) return;
        const batch = first.batches.shift();
        if (batch) yield this.#received(batch, first.thread);
        else if (first.ended) this.#outputs.shift();
        else await this.#nextAnswer();
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** Takes back the buffers of a batch that nobody needs any more. */
  reuse(batch: CopiedBatch): void {
    const { count, sizes, flags, data } = batch;
    const moved = [sizes, flags, data].map(({ buffer }) => buffer as ArrayBuffer);
    send(this.#owners.get(batch)!, { kind: 'reuse', batch: { count, sizes, flags, data } }, moved);
  }

  /** Ends the threads, whatever they are at, and waits for that. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(): CopyThread {
    const worker = new Worker(new URL('./copy-worker.js', import.meta.url), {
      name: 'vmcore',
      resourceLimits: HEAP_LIMITS,
      ...nodeOptions(),
    });
    const thread: CopyThread = { worker, jobs: [] };
    worker.on('message', (answer: WorkerAnswer) => this.#answered(thread, answer));
    worker.on('messageerror', (error) => this.#fail(workerFailure(error)));
    worker.on('error', (error) => this.#fail(workerFailure(error)));
    worker.on('exit', (code) => this.#fail(workerFailure(new Error(`it ended with exit code ${code}`))));
    return thread;
  }

  #answered(thread: CopyThread, answer: WorkerAnswer): void {
    const job = thread.jobs[0]!;
    if (answer.kind === 'batch') job.batches.push(answer.batch);
    else if (answer.kind === 'error') this.#fail(unpackError(answer.error));
    else {
      job.ended = true;
      thread.jobs.shift();
      this.#events.onCalls(answer.calls);
      this.#deal(thread);
    }
    this.#wake();
  }

  #fail(error: VmcoreError): void {
    if (!this.#closing) this.#events.onFailure(error);
  }

  /** Gives a thread the next job, if there is one. */
  #deal(thread: CopyThread): void {
    const next = this.#undealt?.next();
    if (!next || next.done) return;
    const output = { thread, batches: [], ended: false };
    thread.jobs.push(output);
    this.#outputs.push(output);
    const job = packJob(next.value);
    send(thread, { kind: 'job', job }, [job.buffer as ArrayBuffer]);
  }

  #received({ unreadable, ...batch }: SentBatch, thread: CopyThread): CopiedBatch {
    const errors = unreadable.map(({ pfn, error }) => ({ pfn, error: unpackError(error) }));
    const received = { ...batch, unreadable: errors };
    this.#owners.set(received, thread);
    return received;
  }

  #nextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Those of the process, unless they are for a program that was given as text (--eval): a thread has a file. */
function nodeOptions(): { readonly execArgv?: string[] } {
  return process.execArgv.some((option) => option.startsWith('--input-type')) ? { execArgv: [] } : {};
}

function send({ worker }: CopyThread, order: WorkerOrder, moved: ArrayBuffer[] = []): void {
  worker.postMessage(order, moved);
}
