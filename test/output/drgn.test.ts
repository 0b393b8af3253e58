// drgn opens our level-31 dump and finds the same tasks in it.
import { join } from 'node:path';
import t from 'tap';
import { type DumpOptions, openVmcore } from '../../lib/index.ts';
import { labCore } from '../support/cores.ts';
import { tasks } from '../support/drgn.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(600_000);

for (const options of [
  { compression: 'zlib' },
  { compression: 'zstd' },
  { format: 'elf' },
] satisfies DumpOptions[]) {
  t.test(`the tasks of a level-31 dump, ${JSON.stringify(options)}`, async (t) => {
    if (!oracle(t, 'drgn')) return;
    const core = await labCore(t, 'small');
    if (!core) return;
    if (!core.vmlinux) return t.fail('the core has no vmlinux beside it');
    const dump = join(t.testdir(), 'dump');
    const ours = await openVmcore(core.path);
    await ours.dump(dump, { level: 31, ...options });
    await ours.close();
    const [fromCore, fromDump] = [await tasks(core.path, core.vmlinux), await tasks(dump, core.vmlinux)];
    t.equal(fromDump, fromCore);
    t.match(fromDump, /^\d+ \d+ workload$/m);
  });
}
