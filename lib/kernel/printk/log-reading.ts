import type { LogRecord } from './log-record.ts';

/**
 * How many messages are kept, the newest. A log of 128 MiB holds fewer; one that claims more is made of a few pages
 * that damaged page tables show again and again.
 */
export const RECORD_LIMIT = 1 << 21;

/** The messages of one log as they are found, oldest first, and how many could not be had. */
export class LogReading {
  #records: LogRecord[] = [];
  #lost = 0;

  add(record: LogRecord): void {
    if (this.#records.length === 2 * RECORD_LIMIT) this.#trim();
    this.#records.push(record);
  }

  /** Messages (or unreadable stretches of the log) that are missing from the records. */
  lose(count = 1): void {
    this.#lost += count;
  }

  /** Forgets what was found so far: it came before the log was cleared. */
  restart(): void {
    this.#records = [];
    this.#lost = 0;
  }

  finish(): { records: LogRecord[]; lost: number } {
    this.#trim();
    return { records: this.#records, lost: this.#lost };
  }

  #trim(): void {
    const surplus = this.#records.length - RECORD_LIMIT;
    if (surplus <= 0) return;
    this.#records = this.#records.slice(surplus);
    this.#lost += surplus;
  }
}
