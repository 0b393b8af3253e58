// Scrubbed dumps: the same as makedumpfile's, to the byte, and read by crash and libkdumpfile.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore, type ScrubTarget } from '../../lib/index.ts';
import { labCore } from '../support/cores.ts';
import { crashSession } from '../support/crash.ts';
import { pages } from '../support/libkdumpfile.ts';
import { oracle, programs, run } from '../support/oracles.ts';

t.setTimeout(600_000);

const folder = t.testdir();
const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];

/** Sizes of variables are in the debug information, for makedumpfile, and in the kernel's symbol table, for us. */
const config = `[vmlinux]
erase poweroff_cmd
erase linux_banner size 8
erase init_uts_ns.name.domainname size 3
`;

t.test('as makedumpfile erases', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  if (!lab.vmlinux) return t.fail('the core has no vmlinux beside it');
  const conf = join(folder, 'erase.conf');
  writeFileSync(conf, config);
  await using core = await openVmcore(lab.path);
  const names = core.vmcoreinfo.symbol('init_uts_ns')! + 5n * 65n;
  const scrub: ScrubTarget[] = [
    { symbol: 'poweroff_cmd' },
    { symbol: 'linux_banner', size: 8 },
    { vaddr: names, size: 3, name: 'init_uts_ns.name.domainname' },
  ];
  const options = ['--config', conf, '-x', lab.vmlinux, '-d', '31', '-f'];
  await run(programs.makedumpfile, [...options, lab.path, theirs]);
  await core.dump(ours, { level: 31, compression: 'none', force: true, scrub });
  const [a, b] = [readFileSync(ours), readFileSync(theirs)];
  // makedumpfile's header keeps what it erased of the names of the machine; ours has them as memory does.
  a.copy(b, 12, 12, 402);
  t.ok(a.equals(b), 'the same bytes');
});

t.test('an ELF core that was erased before', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  const erased = join(folder, 'erased.elf');
  await using core = await openVmcore(lab.path);
  await core.dump(erased, { level: 1, format: 'elf', scrub: [{ symbol: 'poweroff_cmd' }] });
  await using again = await openVmcore(erased);
  for (const format of ['kdump', 'elf'] as const) {
    await again.dump(ours, { level: 31, format, compression: 'none', force: true });
    await run(programs.makedumpfile, ['-d', '31', '-f', ...(format === 'elf' ? ['-E'] : []), erased, theirs]);
    t.ok(readFileSync(ours).equals(readFileSync(theirs)), `${format}, as makedumpfile filters it`);
  }
});

t.test('read by crash', async (t) => {
  if (!oracle(t, 'crash')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  if (!lab.vmlinux) return t.fail('the core has no vmlinux beside it');
  await using core = await openVmcore(lab.path);
  for (const format of ['kdump', 'elf'] as const) {
    const scrub: ScrubTarget[] = [{ symbol: 'poweroff_cmd' }, { symbol: 'panic', size: 16, nullify: true }];
    await core.dump(ours, { level: 31, format, force: true, scrub });
    const commands = ['rd -8 poweroff_cmd 257', 'rd panic 3', 'help -n'];
    const [data, text, header] = await crashSession(lab.vmlinux, ours, commands);
    const bytes = [...data!.matchAll(/^[0-9a-f]+: {2}((?:[0-9a-f]{2} )+)/gm)].flatMap(([, row]) =>
      row!.trim().split(' '),
    );
    t.strictSame(bytes.slice(0, 256), Array(256).fill('58'), `${format}: X`);
    t.equal(bytes.length, 257);
    t.not(bytes[256], '58', 'and not a byte more');
    const words = [...text!.matchAll(/\b[0-9a-f]{16}\b/g)].map(([word]) => word);
    t.ok(text!.includes('0000000000000000 0000000000000000'), 'zeros');
    t.not(words.at(-2), '0000000000000000', 'and no more of them');
    t.match(header, /erase poweroff_cmd size 256\s+erase panic nullify/, 'crash shows what was erased');
  }
});

t.test('read by libkdumpfile', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  await using core = await openVmcore(lab.path);
  const [symbol] = await core.findSymbols('poweroff_cmd');
  const paddr = core.translate(symbol!.address);
  for (const format of ['kdump', 'elf'] as const) {
    await core.dump(ours, { level: 31, format, force: true, scrub: [{ symbol: 'poweroff_cmd' }] });
    for await (const [, page] of pages(ours, [Math.floor(paddr / 4096)])) {
      t.equal(page.toString('latin1', paddr % 4096, (paddr % 4096) + 256), 'X'.repeat(256), format);
    }
  }
});
