import { type Progress, progress, type Work } from '../pipeline/progress.ts';
import { Turns } from '../turns.ts';
import { Findings } from './findings.ts';

/** Pages that were looked at. */
export interface CheckedPages {
  /** Pages that the dump should have. */
  readonly total: number;
  /** Of zeros, which share one. */
  readonly zero: number;
}

/** One run: what it found, and how it tells how far it is. */
export class Verification {
  readonly findings = new Findings();
  readonly turns: Turns;
  readonly signal: AbortSignal;
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  readonly #started = performance.now();

  constructor(signal: AbortSignal, onProgress: ((progress: Progress) => void) | undefined) {
    this.signal = signal;
    this.turns = new Turns(signal);
    this.#onProgress = onProgress;
  }

  /** Says how far it is, and lets the event loop have its turn. @throws the signal's reason; what the callback throws. */
  async pause(work: Work): Promise<void> {
    this.report(work);
    await this.turns.give();
  }

  report(work: Work): void {
    this.#onProgress?.(progress('verify', work, this.#started, performance.now()));
  }
}
