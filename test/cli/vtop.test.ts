import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { oracle, programs, run } from '../support/oracles.ts';
import { buildS390xCore } from '../support/s390x-core.ts';
import { S390xPageTables } from '../support/s390x-page-tables.ts';
import { makedumpfile, vmcore } from './command.ts';

t.setTimeout(120_000);

const core = (await bundledCore()).path;

t.test('symbols and addresses', async (t) => {
  await using opened = await openVmcore(core);
  const [panic] = await opened.findSymbols('panic');
  const paddr = opened.translate(panic!.address);
  const { status, stdout } = await vmcore(['vtop', core, 'panic', 'panic+0x10', panic!.address.toString(16)]);
  t.equal(status, 0);
  const translated = [...stdout.matchAll(/^([0-9a-f]{16}) {2}([0-9a-f]+)$/gm)].map(([, , to]) =>
    Number(`0x${to}`),
  );
  t.strictSame(translated, [paddr, paddr + 16, paddr]);
  t.match(stdout, /Mapped by +a page of 2\.0 MiB/);
  t.match(stdout, /Class +pfn \d+ is kept: kernel data/);
  const json = JSON.parse((await vmcore(['vtop', '--json', core, 'panic'])).stdout);
  t.match(json, [{ paddr, page: { pfn: Math.floor(paddr / 4096) } }]);
});

t.test('what leads nowhere is shown as far as it leads, and fails', async (t) => {
  const { status, stdout, stderr } = await vmcore(['vtop', core, '0xffffffff00000000']);
  t.match({ status, stderr }, { status: 1, stderr: /0xffffffff00000000 is not mapped: PUD entry 508/ });
  t.match(stdout, /PUD : .*\nVIRTUAL .*\nffffffff00000000 {2}ffffffffffffffff\n/);
  const json = await vmcore(['vtop', '--json', core, '0xffffffff00000000']);
  t.equal(json.status, 1);
  t.match(
    JSON.parse(json.stdout),
    [{ problem: { code: 'ERR_VMCORE_UNMAPPED' } }],
    'one value, which tells it',
  );
});

t.test("a top table by its physical address or the kernel's virtual one", async (t) => {
  let root = 0;
  const { elf, identityBase } = buildS390xCore({
    memoryPages: 2048,
    change(memory) {
      const tables = new S390xPageTables(memory, 1);
      tables.map(0x7000n, 0x5000, '4K');
      ({ root } = tables);
    },
  });
  const path = join(t.testdir(), 'core');
  await writeFile(path, elf);
  for (const address of [BigInt(root), identityBase + BigInt(root)]) {
    const { stdout } = await vmcore(['vtop', '--root', `0x${address.toString(16)}`, path, '0x7123']);
    t.match(stdout, /^ {12}7123 {2}5123$/m);
  }
});

t.test('what is no address', async (t) => {
  for (const args of [['no_such_symbol'], ['panic+x'], ['--root', 'init_mm', 'panic']]) {
    t.equal((await vmcore(['vtop', core, ...args])).status, 2, args.join(' '));
  }
});

t.test('vmcore makedumpfile --vtop', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const args = [
    '--vtop',
    '0xffffffff00000000',
    '--message-level',
    '2',
    '-d',
    '31',
    '-f',
    core,
    join(t.testdir(), 'dump'),
  ];
  const mine = await vmcore(args, { program: makedumpfile });
  const { stdout } = await run(programs.makedumpfile, args);
  const start = '\nTranslating';
  const end = 'ffffffffffffffff\n\n';
  const part = (text: string) => text.slice(text.indexOf(start), text.indexOf(end) + end.length);
  t.equal(mine.status, 0);
  t.equal(part(mine.stdout), part(stdout.toString()));
  t.equal((await vmcore(['--vtop', 'x', core, 'dump'], { program: makedumpfile })).status, 1);
});
