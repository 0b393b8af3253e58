import { constants } from 'node:os';

/** Why the run was aborted. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** A signal for the commands that the first SIGINT or SIGTERM aborts. The next one ends the process at once. */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const reason = new Interrupted(name);
      if (controller.signal.aborted) process.exit(reason.exitCode);
      controller.abort(reason);
    });
  }
  // Without a listener it would end the process; with one, a write over the file size limit fails, and is reported.
  process.on('SIGXFSZ', () => {});
  return controller.signal;
}
