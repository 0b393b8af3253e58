import { join } from 'node:path';
import t from 'tap';
import { scrubTarget } from '../../lib/cli/scrub-argument.ts';
import { openVmcore, type ScrubTarget } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { vmcore } from './command.ts';

t.setTimeout(120_000);

for (const [text, target] of [
  ['poweroff_cmd', { symbol: 'poweroff_cmd', offset: 0, size: undefined, nullify: false }],
  ['poweroff_cmd:16', { symbol: 'poweroff_cmd', offset: 0, size: 16, nullify: false }],
  ['a.b.0+0x10:1K', { symbol: 'a.b.0', offset: 16, size: 1024, nullify: false }],
  ['key:nullify', { symbol: 'key', offset: 0, size: undefined, nullify: true }],
  ['key:8:nullify', { symbol: 'key', offset: 0, size: 8, nullify: true }],
  ['0xffffffff81000000:0x20', { vaddr: 0xffffffff81000000n, size: 32, nullify: false }],
  ['phys:0x1000:2M:nullify', { paddr: 0x1000, size: 2 << 20, nullify: true }],
] satisfies [string, ScrubTarget][]) {
  t.test(text, async (t) => {
    t.strictSame(scrubTarget(text), target);
  });
}

for (const text of [
  '',
  ':8',
  'key:',
  'key:x',
  'key+:8',
  '0x1000',
  'phys:0x1000',
  'phys:key:8',
  'a:1:2',
  'key:8:zero',
]) {
  t.test(`'${text}' is nothing to scrub`, async (t) => {
    t.throws(() => scrubTarget(text), { name: 'UsageError' });
  });
}

t.test('vmcore dump --scrub', async (t) => {
  const core = (await bundledCore()).path;
  const file = join(t.testdir(), 'dump');
  const { status, stderr } = await vmcore([
    'dump',
    '--scrub',
    'poweroff_cmd',
    '--scrub=panic:4:nullify',
    core,
    file,
  ]);
  t.equal(status, 0, stderr);
  await using dump = await openVmcore(file);
  t.equal(Buffer.from(dump.eraseinfo).toString(), 'erase poweroff_cmd size 256\nerase panic nullify\n');
  t.equal((await vmcore(['dump', '--scrub', 'no_such_thing', core, `${file}2`])).status, 1);
  t.equal((await vmcore(['dump', '--scrub', '0x10', core, `${file}2`])).status, 2);
});
