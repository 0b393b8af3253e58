/** How far a long operation has come. */
export interface Progress {
  /** What it is doing now, such as `classify` or `write`. */
  readonly phase: string;
  /** Pages of this phase that are done. */
  readonly pages: number;
  readonly totalPages: number;
  /** Bytes of this phase that are done. */
  readonly bytes: number;
  /** Mean of this phase so far; 0 before anything is known. */
  readonly bytesPerSecond: number;
  /** Seconds until the end of this phase at its mean rate; undefined before anything is known. */
  readonly etaSeconds: number | undefined;
}

/** What has been done in a phase. */
export interface Work {
  readonly pages: number;
  readonly totalPages: number;
  readonly bytes: number;
}

/** The progress of a phase that began at `startedAt`; it and `now` in milliseconds of any clock. */
export function progress(phase: string, work: Work, startedAt: number, now: number): Progress {
  const seconds = Math.max(0, now - startedAt) / 1000;
  return {
    phase,
    ...work,
    bytesPerSecond: seconds > 0 ? work.bytes / seconds : 0,
    etaSeconds: work.pages > 0 ? (seconds * (work.totalPages - work.pages)) / work.pages : undefined,
  };
}
