import { setTimeout } from 'node:timers/promises';
import type { PlaceOptions } from './place.ts';

/** No other attempt would end differently. */
export class Final extends Error {}

/** Answers to what is asked for in vain: no permission, no such place, too large, not understood. */
const finalStatus = new Set([401, 403, 404, 405, 410, 411, 413, 414, 501]);

/** The error for an HTTP status that is no success. */
export function statusError(what: string, status: number): Error {
  const message = `${what}: status ${status}`;
  return finalStatus.has(status) ? new Final(message) : new Error(message);
}

const MOST_MS = 30_000;

/** Does something until it works, with pauses that double. @throws what the last attempt threw. */
export async function retry<T>(
  what: string,
  { attempts, delay }: PlaceOptions,
  action: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (attempt >= attempts || error instanceof Final) throw error;
      const pause = Math.min(delay * 2 ** (attempt - 1), MOST_MS);
      console.log(
        `agent: ${what}: ${String(error)}; attempt ${attempt + 1} of ${attempts} in ${pause / 1000} s`,
      );
      await setTimeout(pause);
    }
  }
}
