// VMCOREINFO of a vmlinux on the command line: -g and -x as makedumpfile has them, and vmcore vmcoreinfo --vmlinux.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore, labCore } from '../support/cores.ts';
import { buildElfCore } from '../support/elf-builder.ts';
import { buildVmlinux, EXPECTED, RELEASE } from '../support/vmlinux-builder.ts';
import { makedumpfile, vmcore } from './command.ts';

t.setTimeout(300_000);

const folder = t.testdir();
const at = (name: string) => join(folder, name);
const built = at('vmlinux');
writeFileSync(built, buildVmlinux({ littleEndian: true, version: 5, wide: false, names: 'strp' }));

function ours(...args: string[]) {
  return vmcore(args, { program: makedumpfile });
}

t.test('-g', async (t) => {
  t.match(await ours('-g', at('info'), '-x', built), { status: 0, stdout: '', stderr: '' });
  t.equal(readFileSync(at('info'), 'utf8'), EXPECTED);
  t.equal(statSync(at('info')).mode & 0o777, 0o600);
  writeFileSync(at('info'), 'something longer that was there before'.repeat(1000));
  t.match(await ours('-g', at('info'), '-x', built), { status: 0 }, 'it is replaced, as makedumpfile does');
  t.equal(readFileSync(at('info'), 'utf8'), EXPECTED);
  t.match(await ours('-g', at('never')), { status: 1, stderr: /-x VMLINUX/ });
  t.match(await ours('-g', at('never'), '-x', built, 'core'), { status: 1, stderr: /no file names/ });
  t.match(await ours('-g', at('never'), '-x', at('nothing')), { status: 1, stderr: /nothing/ });
  t.match(await ours('-g', at('never'), '-x', import.meta.filename), { status: 1, stderr: /no ELF file/ });
  t.notOk(existsSync(at('never')));
});

t.test('vmcore vmcoreinfo --vmlinux', async (t) => {
  t.match(await vmcore(['vmcoreinfo', '--vmlinux', built]), { status: 0, stdout: EXPECTED });
  t.match(await vmcore(['vmcoreinfo', '-x', built, at('made')]), { status: 0, stdout: '' });
  t.equal(readFileSync(at('made'), 'utf8'), EXPECTED);
  t.match(await vmcore(['vmcoreinfo', '-x', built, at('made')]), { status: 1, stderr: /exists already/ });
  t.match(await vmcore(['vmcoreinfo', '-f', '-x', built, at('made')]), { status: 0 });
  t.match(await vmcore(['vmcoreinfo', '-x', built, at('made'), 'more']), { status: 2 });
  t.match(await vmcore(['vmcoreinfo', '--search', '-x', built]), { status: 2, stderr: /--search/ });
  t.match(await vmcore(['vmcoreinfo']), { status: 2, stderr: /VMCORE is missing/ });
  const { stdout } = await vmcore(['vmcoreinfo', '--json', '-x', built]);
  t.equal(JSON.parse(stdout).text, EXPECTED);
});

t.test('-x of another kernel: exit status 2', async (t) => {
  const { path } = await bundledCore();
  for (const args of [
    ['-d', '31', path],
    ['--dump-dmesg', path],
  ]) {
    const { status, stderr } = await ours('-x', built, ...args, at('never'));
    t.equal(status, 2);
    t.match(stderr, new RegExp(`is of kernel ${RELEASE}: this is the memory of 6\\.1`));
  }
  const lost = at('lost');
  writeFileSync(lost, buildElfCore({ segments: [{ paddr: 0, vaddr: 0n, data: Buffer.alloc(8192) }] }));
  const { status, stderr } = await ours('-x', built, lost, at('never'));
  t.match({ status, stderr }, { status: 2, stderr: /no such kernel is in this memory/ });
  t.match(await vmcore(['dump', '-x', built, '-i', built, lost, at('never')]), {
    status: 2,
    stderr: /not both/,
  });
  t.notOk(existsSync(at('never')));
});

t.test('a core of another build of the same release', async (t) => {
  const note = `OSRELEASE=${RELEASE}\nPAGESIZE=4096\nBUILD-ID=ffff\n`;
  const notes = [[{ name: 'VMCOREINFO', type: 0, desc: Buffer.from(note) }]];
  writeFileSync(at('other'), buildElfCore({ notes, segments: [{ paddr: 0, data: Buffer.alloc(8192) }] }));
  const { status, stderr } = await vmcore(['dmesg', '-x', built, at('other')]);
  t.match({ status, stderr }, { status: 2, stderr: /another build of kernel/ });
});

t.test('-x where the core has no VMCOREINFO', async (t) => {
  const lab = await labCore(t, 'small');
  if (!lab) return;
  const { vmlinux, path } = lab;
  if (!vmlinux) return t.fail('the core has no vmlinux beside it');
  const bytes = readFileSync(path);
  const name = bytes.indexOf('VMCOREINFO\0');
  bytes.fill('X', name, name + 10);
  writeFileSync(at('without'), bytes);
  t.match(await ours('-d', '31', at('without'), at('dump')), { status: 1, stderr: /no VMCOREINFO note/ });
  t.match(await ours('-x', vmlinux, '-d', '31', at('without'), at('dump')), { status: 0 });
  t.match(await ours('-x', vmlinux, '-d', '31', path, at('whole')), { status: 0 });
  await using dump = await openVmcore(at('dump'));
  await using whole = await openVmcore(at('whole'));
  const { equal, compared } = await dump.diff(whole);
  t.ok(equal && compared > 0, 'the same pages of the same bytes');
  t.match(await ours('-x', vmlinux, '--dump-dmesg', at('without'), at('log')), { status: 0 });
  await using core = await openVmcore(path);
  t.equal(readFileSync(at('log'), 'utf8').trimEnd().split('\n').length, core.dmesg().length);
});
