import type { CopyJob } from './copy-job.ts';
import type { PageRun } from './page-runs.ts';
import { type PlannedRead, spanOf } from './read-planner.ts';

const METHODS: readonly PlannedRead['method'][] = ['map', 'pread', 'pieces'];
/** Numbers of a read before those of its runs, and of each run. */
const READ_NUMBERS = 2;
const RUN_NUMBERS = 3;

/** A job as numbers: a fragmented core has thousands of runs in one, and objects cost a message a microsecond each. */
export function packJob(job: CopyJob): Float64Array {
  const length = job.reduce((sum, { runs }) => sum + READ_NUMBERS + runs.length * RUN_NUMBERS, 0);
  const packed = new Float64Array(length);
  let at = 0;
  for (const { method, runs } of job) {
    packed[at++] = METHODS.indexOf(method);
    packed[at++] = runs.length;
    for (const { firstPfn, pages, offset } of runs) {
      packed[at++] = firstPfn;
      packed[at++] = pages;
      packed[at++] = offset;
    }
  }
  return packed;
}

/** The job of packJob(). Costs are not sent: they are for planning. */
export function unpackJob(packed: Float64Array, pageSize: number): CopyJob {
  const job: PlannedRead[] = [];
  for (let at = 0; at < packed.length; ) {
    const method = METHODS[packed[at]!]!;
    const count = packed[at + 1]!;
    at += READ_NUMBERS;
    const runs: PageRun[] = [];
    for (let i = 0; i < count; i++, at += RUN_NUMBERS) {
      runs.push({ firstPfn: packed[at]!, pages: packed[at + 1]!, offset: packed[at + 2]! });
    }
    const span = method === 'pieces' ? { start: -1, end: -1 } : spanOf(runs, pageSize);
    job.push({ runs, method, ...span, cost: 0 });
  }
  return job;
}
