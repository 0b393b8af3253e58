import type { CopyJob } from './copy-job.ts';
import { PageRuns } from './page-runs.ts';
import type { PlannedRead } from './read-planner.ts';

const METHODS: readonly PlannedRead['method'][] = ['map', 'pread', 'pieces'];
/** Numbers of a read before those of its runs. */
const READ_NUMBERS = 2;

/** A job as numbers: a fragmented core has thousands of runs in one, and objects cost a message a microsecond each. */
export function packJob(job: CopyJob): Float64Array {
  const packed = new Float64Array(job.reduce((sum, { runs }) => sum + READ_NUMBERS + runs.numbers.length, 0));
  let at = 0;
  for (const { method, runs } of job) {
    packed[at++] = METHODS.indexOf(method);
    packed[at++] = runs.numbers.length;
    packed.set(runs.numbers, at);
    at += runs.numbers.length;
  }
  return packed;
}

/** The job of packJob(). Costs are not sent: they are for planning. */
export function unpackJob(packed: Float64Array, pageSize: number): CopyJob {
  const job: PlannedRead[] = [];
  for (let at = 0; at < packed.length; ) {
    const method = METHODS[packed[at]!]!;
    const first = at + READ_NUMBERS;
    at = first + packed[at + 1]!;
    const runs = new PageRuns(packed.subarray(first, at));
    const span = method === 'pieces' ? { start: -1, end: -1 } : runs.span(pageSize);
    job.push({ runs, method, ...span, cost: 0 });
  }
  return job;
}
