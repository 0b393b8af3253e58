// A log that was cleared before the crash: what came before is still in memory, and not part of the partial log.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { formatRecord, openVmcore } from '../../../lib/index.ts';
import { labCore } from '../../support/cores.ts';
import { oracle, programs, run } from '../../support/oracles.ts';

t.test('a log that was cleared', async (t) => {
  const core = await labCore(t, 'cleared');
  if (!core) return;
  const ours = await openVmcore(core.path);
  t.teardown(() => ours.close());
  const all = ours.dmesg();
  const partial = ours.dmesg({ sinceClear: true });

  t.test('begins behind the clear', async (t) => {
    t.match(partial[0], { text: 'vm: logged after the clear, 1', facility: 1 });
    t.match(all[0]?.text, /^Linux version /);
    t.strictSame(partial, all.slice(-partial.length), 'it is the end of the whole log');
    t.ok(partial.length > 20 && all.length > partial.length + 100);
  });

  t.test('equals what makedumpfile --partial-dmesg writes', async (t) => {
    if (!oracle(t, 'makedumpfile')) return;
    const out = join(t.testdir(), 'dmesg');
    await run(programs.makedumpfile, ['--dump-dmesg', '--partial-dmesg', core.path, out], { limit: 60_000 });
    const theirs = await readFile(out, 'latin1');
    const caller = /^\[ *\d+\.\d{6}\] \[ *[TC]\d+\] /.test(theirs);
    t.equal(partial.map((record) => `${formatRecord(record, { caller })}\n`).join(''), theirs);
  });
});
