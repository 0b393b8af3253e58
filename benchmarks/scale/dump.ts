// One dump in a process of its own, which says how long it took and what memory it had: CORE WORKERS BUDGET.
import { openVmcore } from '../../lib/index.ts';
import { mostOf, residentOf } from '../support/resident.ts';

const SAMPLE_MS = 5;

const [path = '', workers, budget] = process.argv.slice(2);
const start = residentOf('self');
let peak = start;
const sample = () => {
  peak = mostOf(peak, residentOf('self'));
};
setInterval(sample, SAMPLE_MS).unref();
await using core = await openVmcore(path);
const report = await core.dump('/dev/null', {
  level: 31,
  compression: 'none',
  workers: Number(workers),
  memoryBudget: Number(budget),
  force: true,
});
sample();
const { original, excluded, written, phases } = report;
const seconds = Object.fromEntries(
  phases.map(({ phase, duration, judging }) => [phase, (judging ?? duration) / 1e9]),
);
console.log(
  JSON.stringify({ original, excluded, written, seconds, own: peak.own, mapped: peak.mapped - start.mapped }),
);
