import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { formatRecord, openVmcore, type Vmcore } from '../../../lib/index.ts';
import { x86Cores } from '../../support/cores.ts';
import { oracle, programs, run } from '../../support/oracles.ts';

async function makedumpfilesLog(core: string, out: string): Promise<string> {
  await run(programs.makedumpfile, ['--dump-dmesg', core, out]);
  const text = await readFile(out, 'latin1');
  // It prints bytes from 0x80 on as negative numbers.
  return text.replace(/\\xffffff([89a-f][0-9a-f])/g, '\\x$1');
}

/** Newer builds of makedumpfile show callers, and all leave out empty messages. */
function ourLog(core: Vmcore, caller: boolean): string {
  const messages = core.dmesg().filter(({ text }) => text !== '');
  return messages.map((record) => `${formatRecord(record, { caller })}\n`).join('');
}

for (const core of await x86Cores()) {
  t.test(core.name, async (t) => {
    const ours = await openVmcore(core.path);
    t.teardown(() => ours.close());

    t.test('the log equals what makedumpfile --dump-dmesg writes', async (t) => {
      if (!oracle(t, 'makedumpfile')) return;
      const theirs = await makedumpfilesLog(core.path, join(t.testdir(), 'dmesg'));
      t.ok(theirs.split('\n').length > 100);
      t.equal(ourLog(ours, /^\[ *\d+\.\d{6}\] \[ *[TC]\d+\] /.test(theirs)), theirs);
    });

    t.test('the log has its order and its panic', async (t) => {
      const records = ours.dmesg();
      t.match(records[0]?.text, /^Linux version /);
      t.ok(records.some(({ text }) => text.startsWith('Kernel panic - not syncing')));
      records.slice(1).forEach(({ sequence }, i) => {
        if (sequence <= records[i]!.sequence) t.fail(`${sequence} follows ${records[i]!.sequence}`);
      });
      // cleared.test.ts has the one that was cleared
      if (core.name !== 'lab-cleared') {
        t.strictSame(ours.kernelLog({ sinceClear: true }), ours.kernelLog(), 'nobody cleared it');
      }
      t.match(ours.kernelLog(), { generation: 'ringbuffer', lost: 0 });
    });

    t.test('utsname is what VMCOREINFO says', async (t) => {
      const { sysname, release, machine, version, raw } = ours.utsname;
      t.strictSame(
        { sysname, release, machine },
        { sysname: 'Linux', release: ours.vmcoreinfo.osrelease, machine: 'x86_64' },
      );
      t.match(version, /^#1 SMP /);
      t.equal(raw.length, 390);
    });
  });
}
