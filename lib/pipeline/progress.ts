/** Progress is reported no more often than this, in milliseconds. */
const PROGRESS_MS = 100;

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

/** Hands on the progress of a phase that begins now, in pages: its end always, the rest not too often. */
export function progressReporter(
  phase: string,
  pageSize: number,
  onProgress: ((progress: Progress) => void) | undefined,
): (pages: number, totalPages: number) => void {
  const started = performance.now();
  let reported = Number.NEGATIVE_INFINITY;
  return (pages, totalPages) => {
    const now = performance.now();
    if (now - reported < PROGRESS_MS && pages < totalPages) return;
    reported = now;
    onProgress?.(progress(phase, { pages, totalPages, bytes: pages * pageSize }, started, now));
  };
}
