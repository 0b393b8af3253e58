import { setImmediate as nextTurn } from 'node:timers/promises';

/** The event loop is given a turn after so many milliseconds. */
const TURN_MS = 20;

/** Lets a long loop give the event loop its turns: `if (turns.due) await turns.give();`. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #last = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Whether it is time for one. */
  get due(): boolean {
    return performance.now() - this.#last >= TURN_MS;
  }

  /** @throws the signal's reason. */
  async give(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#last = performance.now();
  }
}
