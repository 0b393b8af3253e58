// One dump in a process of its own, which says how long it took and what memory it had: CORE WORKERS BUDGET.
import { readFileSync } from 'node:fs';
import { openVmcore } from '../../lib/index.ts';

/** Of the process, in bytes. */
interface Resident {
  /** RssAnon + RssShmem. */
  readonly own: number;
  /** RssFile: Node.js itself, and what is mapped of the core. */
  readonly mapped: number;
}

const SAMPLE_MS = 5;

function resident(): Resident {
  const lines = readFileSync('/proc/self/status', 'latin1').matchAll(/^Rss(\w+):\s+(\d+) kB$/gm);
  const of = new Map(Array.from(lines, ([, name, kib]) => [name, Number(kib) * 1024]));
  return { own: (of.get('Anon') ?? 0) + (of.get('Shmem') ?? 0), mapped: of.get('File') ?? 0 };
}

const [path = '', workers, budget] = process.argv.slice(2);
const start = resident();
let peak = start;
const sample = () => {
  const { own, mapped } = resident();
  peak = { own: Math.max(peak.own, own), mapped: Math.max(peak.mapped, mapped) };
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
