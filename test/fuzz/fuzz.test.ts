// The same inputs each time, about a minute of them; `npm run fuzz` makes others, for longer.
import t from 'tap';
import { EMULATED } from '../support/emulation.ts';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

t.setTimeout(600_000);

/** By what a run takes. */
const runs: Readonly<Record<string, number>> = {
  kernel: 10,
  'kernel-s390x': 20,
  vmcoreinfo: 50,
  vmlinux: 1000,
  notes: 3000,
  printk: 500,
  'printk-records': 500,
  'printk-text': 500,
  zlib: 3000,
  zstd: 3000,
  lzo: 3000,
  snappy: 3000,
};
const RUNS = 200;

/** An emulated machine takes ten to twenty times as long for each. */
const SHARE = EMULATED ? 0.1 : 1;

for (const [name, target] of Object.entries(targets)) {
  t.test(name, async (t) => {
    const finding = await fuzz(target, { seed: 1, runs: Math.ceil((runs[name] ?? RUNS) * SHARE) });
    t.equal(
      finding,
      undefined,
      finding ? `run ${finding.run}: ${String(finding.error)}` : 'nothing breaks it',
    );
  });
}
