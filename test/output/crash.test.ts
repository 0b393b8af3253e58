// crash answers from our level-31 dump as it does from the whole core.
import { join } from 'node:path';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
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
  return text.replace(/^ *DUMPFILE: .*$/m, '');
}

t.test('the same answers from a level-31 dump', async (t) => {
  if (!oracle(t, 'crash')) return;
  const core = await labCore(t, 'small');
  if (!core) return;
  if (!core.vmlinux) return t.fail('the core has no vmlinux beside it');
  const dump = join(t.testdir(), 'dump');
  const ours = await openVmcore(core.path);
  await ours.dump(dump, { level: 31, compression: 'zlib' });
  await ours.close();

  const [fromCore, fromDump] = [
    await crashSession(core.vmlinux, core.path, commands),
    await crashSession(core.vmlinux, dump, commands),
  ];
  commands.forEach((command, i) => {
    t.match(fromDump[i], expected[command], `${command} works`);
    t.equal(withoutFileName(fromDump[i]!), withoutFileName(fromCore[i]!), `${command} answers the same`);
  });
  t.match(fromDump[0], /\[PARTIAL DUMP\]/);
});
