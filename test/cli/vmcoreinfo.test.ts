import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { buildElfCore } from '../support/elf-builder.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { vmcore } from './command.ts';

t.setTimeout(300_000);

const folder = mkdtempSync(join(t.testdir(), 'info-'));
const core = (await bundledCore()).path;

t.test('the text of the note, to standard output and to a file', async (t) => {
  await using opened = await openVmcore(core);
  const { status, stdout } = await vmcore(['vmcoreinfo', core]);
  t.equal(status, 0);
  t.equal(stdout, opened.vmcoreinfo.text);
  const file = join(folder, 'vmcoreinfo');
  t.match(await vmcore(['vmcoreinfo', core, file]), { status: 0, stdout: '' });
  t.equal(readFileSync(file, 'utf8'), opened.vmcoreinfo.text);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(await vmcore(['vmcoreinfo', core, file]), { status: 1, stderr: /exists already/ });
  t.match(await vmcore(['vmcoreinfo', '-f', core, file]), { status: 0 });
  t.equal((await vmcore(['vmcoreinfo', core, file, 'another'])).status, 2);
});

t.test('a core without the note is filtered with that of its kernel', async (t) => {
  const machine = buildKernelCore();
  const { bytes } = machine.memory;
  bytes.set(Buffer.from(machine.vmcoreinfo), 0x100000);
  const lost = join(folder, 'lost');
  writeFileSync(lost, buildElfCore({ segments: [{ paddr: 0, vaddr: 0n, data: bytes }] }));
  t.match(await vmcore(['vmcoreinfo', lost]), { status: 1, stderr: /no VMCOREINFO note/ });
  const found = join(folder, 'found');
  t.match(await vmcore(['vmcoreinfo', '--search', lost, found]), { status: 0 });
  t.equal(readFileSync(found, 'utf8'), machine.vmcoreinfo);
  t.match(await vmcore(['info', lost]), { status: 0, stdout: /^Problem .*no VMCOREINFO note/m });
  const told = await vmcore(['info', '-i', found, lost]);
  t.match(told, { status: 0, stdout: /^Kernel +\S+-synthetic$/m });
  t.notMatch(told.stdout, /Problem/);
  t.match(await vmcore(['dump', '-d', '31', lost, join(folder, 'dump')]), { status: 1 });
  const { status, stderr } = await vmcore(['dump', '-d', '31', '-i', found, lost, join(folder, 'dump')]);
  t.equal(status, 0, stderr);

  const nothing = join(folder, 'nothing');
  writeFileSync(nothing, buildElfCore({ segments: [{ paddr: 0, vaddr: 0n, data: Buffer.alloc(8192) }] }));
  t.match(await vmcore(['vmcoreinfo', '--search', nothing]), {
    status: 1,
    stderr: /no VMCOREINFO in its memory/,
  });
});
