// crash answers from our level-31 dump as it does from the whole core.
import { join } from 'node:path';
import t from 'tap';
import { type DumpOptions, openVmcore } from '../../lib/index.ts';
import { labCore } from '../support/cores.ts';
import { crashSession } from '../support/crash.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(600_000);

const commands = ['sys', 'ps', 'bt', 'log', 'kmem -i', 'mod', 'mount'];
const expected: Record<string, RegExp> = {
  sys: /PANIC: /,
  ps: /swapper\/0/,
  bt: /sysrq_handle_crash/,
  log: /Kernel panic - not syncing/,
  'kmem -i': /TOTAL MEM/,
  mod: /virtio_blk/,
  mount: /proc/,
};

/** `sys` names the file, and says of a filtered one that it is partial. Nothing else may differ. */
function withoutFileName(text: string): string {
  return text.replace(/^ *DUMPFILES?: .*(\n {12,}.*)*$/m, '');
}

/** Dumps of every form that crash opens. */
const forms: [name: string, options: DumpOptions][] = [
  ['kdump, zlib', { compression: 'zlib' }],
  ['kdump, lzo, flattened', { compression: 'lzo', flattened: true }],
  ['kdump, snappy, split', { compression: 'snappy' }],
  ['ELF', { format: 'elf' }],
];

t.test('the same answers from a level-31 dump', async (t) => {
  if (!oracle(t, 'crash')) return;
  const core = await labCore(t, 'small');
  if (!core) return;
  const { vmlinux } = core;
  if (!vmlinux) return t.fail('the core has no vmlinux beside it');
  const fromCore = await crashSession(vmlinux, core.path, commands);
  for (const [name, options] of forms) {
    await t.test(name, async (t) => {
      const folder = t.testdir();
      const files = (name.endsWith('split') ? ['a', 'b', 'c'] : ['dump']).map((file) => join(folder, file));
      await using ours = await openVmcore(core.path);
      await ours.dump(files.length > 1 ? files : files[0]!, { level: 31, ...options });
      const fromDump = await crashSession(vmlinux, files, commands);
      commands.forEach((command, i) => {
        t.match(fromDump[i], expected[command], `${command} works`);
        t.equal(withoutFileName(fromDump[i]!), withoutFileName(fromCore[i]!), `${command} answers the same`);
      });
      if (options.format !== 'elf') t.match(fromDump[0], /\[PARTIAL DUMP\]/);
    });
  }
});
