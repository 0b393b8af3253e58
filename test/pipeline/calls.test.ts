// The calls that a whole dump of a real core costs, classification included: few, at every level, and as predicted.
import t, { type Test } from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { x86Cores } from '../support/cores.ts';

t.setTimeout(600_000);

/** For 2 GiB. makedumpfile makes 921 at level 0, and 458,490 without mmap (benchmarks/README.md). */
const CALLS_PER_2_GIB = 250;
const GIB = 2 ** 30;

async function checkCalls(t: Test, path: string): Promise<void> {
  for (const access of ['auto', 'mmap'] as const) {
    for (const level of [0, 1, 2, 4, 8, 16, 31]) {
      await using core = await openVmcore(path, { access });
      const report = await core.dump('/dev/null', { level, compression: 'none', force: true });
      const { maps, unmaps, preads } = core.counters;
      const allowed = CALLS_PER_2_GIB * Math.max(1, core.size / (2 * GIB));
      t.ok(maps + unmaps + preads <= allowed, `${access}, level ${level}: ${maps} + ${unmaps} + ${preads}`);
      const { calls, predicted } = report.phases.find(({ phase }) => phase === 'write')!;
      t.match(
        calls,
        { maps: predicted!.maps, unmaps: predicted!.unmaps, preads: predicted!.preads },
        'as predicted',
      );
    }
  }
}

for (const { name, path } of await x86Cores()) t.test(name, (t) => checkCalls(t, path));
