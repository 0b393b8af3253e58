import type { Extents } from '../formats/extents.ts';

/** What a core has of a page: nothing; that it existed, without data; data, of at least a byte. Ordered. */
export const ABSENT = 0;
export const WITHOUT_DATA = 1;
export const WITH_DATA = 2;
export type Presence = typeof ABSENT | typeof WITHOUT_DATA | typeof WITH_DATA;

/** Consecutive pages of which each core has the same: pfns `pfn` to `end` - 1. */
export interface JointRun {
  readonly pfn: number;
  readonly end: number;
  readonly a: Presence;
  readonly b: Presence;
}

/** Consecutive pages of one core. */
interface Run {
  first: number;
  end: number;
  presence: Presence;
}

/** The pages of which at least one core has data, ascending. */
export function* jointRuns(a: Extents, b: Extents, pageSize: number): Generator<JointRun> {
  const [inA, inB] = [new RunCursor(pageRuns(a, pageSize)), new RunCursor(pageRuns(b, pageSize))];
  for (let pfn = 0; ; ) {
    const end = Math.min(inA.boundary(pfn), inB.boundary(pfn));
    if (end === Number.POSITIVE_INFINITY) return;
    const run = { pfn, end, a: inA.presence(pfn), b: inB.presence(pfn) };
    if (run.a === WITH_DATA || run.b === WITH_DATA) yield run;
    pfn = end;
  }
}

/** The pages of a core, ascending. A page that two extents share has data if either has. */
function* pageRuns({ count, start, end, offset }: Extents, pageSize: number): Generator<Run> {
  let last: Run | undefined;
  for (let i = 0; i < count; i++) {
    const presence = offset[i]! >= 0 ? WITH_DATA : WITHOUT_DATA;
    const run: Run = {
      first: Math.floor(start[i]! / pageSize),
      end: Math.ceil(end[i]! / pageSize),
      presence,
    };
    if (last && last.end > run.first) {
      if (last.presence < presence) last.end = run.first;
      else run.first = last.end;
    }
    if (run.end <= run.first) continue;
    if (last && last.end > last.first) yield last;
    last = run;
  }
  if (last && last.end > last.first) yield last;
}

/** Follows the runs of one core up through the pfns. */
class RunCursor {
  readonly #runs: Iterator<Run>;
  #run: Run | undefined;

  constructor(runs: Iterator<Run>) {
    this.#runs = runs;
    this.#advance();
  }

  presence(pfn: number): Presence {
    return this.#run && this.#run.first <= pfn ? this.#run.presence : ABSENT;
  }

  /** The pfn above `pfn` where the next run begins or this one ends. */
  boundary(pfn: number): number {
    while (this.#run && this.#run.end <= pfn) this.#advance();
    if (!this.#run) return Number.POSITIVE_INFINITY;
    return this.#run.first > pfn ? this.#run.first : this.#run.end;
  }

  #advance(): void {
    const { done, value } = this.#runs.next();
    this.#run = done ? undefined : value;
  }
}
