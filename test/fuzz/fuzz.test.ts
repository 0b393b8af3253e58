// The same inputs each time, about a minute of them; `npm run fuzz` makes others, for longer.
import t from 'tap';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

t.setTimeout(600_000);

/** By what a run takes. */
const runs: Readonly<Record<string, number>> = {
  kernel: 20,
  'kernel-s390x': 40,
  notes: 5000,
  printk: 1000,
  zlib: 5000,
  zstd: 5000,
  lzo: 5000,
  snappy: 5000,
};
const RUNS = 400;

for (const [name, target] of Object.entries(targets)) {
  t.test(name, async (t) => {
    const finding = await fuzz(target, { seed: 1, runs: runs[name] ?? RUNS });
    t.equal(finding, undefined, finding ? `run ${finding.run}: ${String(finding.error)}` : 'nothing was found');
  });
}
