// The kinds of cores that comparisons with other programs are worth nothing without.
import t from 'tap';
import { labCore } from '../support/cores.ts';
import { ElfCore } from '../support/elf-core.ts';

/** Where the segment of the highest memory starts. */
function lastSegment(core: ElfCore): number {
  return Math.max(...core.segments.map(({ paddr }) => paddr));
}

for (const name of ['small', 'cleared', 'la57', 'numa', 'rt', 'poison', 'kernel-6.12']) {
  t.test(name, async (t) => {
    const found = await labCore(t, name);
    if (!found) return;
    const core = new ElfCore(found.path);
    t.teardown(() => core.close());
    t.equal(found.machine, 'x86_64');
    t.equal(core.info('NUMBER(pgtable_l5_enabled)'), name === 'la57' ? 1n : 0n, 'levels of page tables');
    t.equal(/^OSRELEASE=.*-rt-/m.test(core.vmcoreinfo), name === 'rt', 'real-time kernel');
    t.equal(lastSegment(core) >= 2 ** 32, name === 'numa', 'memory plugged above 4 GiB');
    t.ok(name !== 'small' || found.vmlinux, 'debug information');
  });
}
