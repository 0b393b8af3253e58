// Dumps filtered once more: ours by makedumpfile, its by us, and both as if it had been done at once.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type DumpOptions, type DumpReport, openVmcore } from '../../lib/index.ts';
import { bundledCore, labCore } from '../support/cores.ts';
import { tasks } from '../support/drgn.ts';
import { oracle, programs, run } from '../support/oracles.ts';

t.setTimeout(600_000);

const core = (await bundledCore()).path;
const folder = t.testdir();
const at = (name: string) => join(folder, name);

async function dump(source: string, name: string, options: DumpOptions): Promise<DumpReport> {
  await using opened = await openVmcore(source);
  return await opened.dump(at(name), { force: true, compression: 'none', ...options });
}

function theirs(source: string, name: string, level: number, ...options: string[]) {
  return run(programs.makedumpfile, [...options, '-f', '-d', String(level), source, at(name)]);
}

function same(a: string, b: string): boolean {
  return readFileSync(at(a)).equals(readFileSync(at(b)));
}

for (const [first, second] of [
  [0, 31],
  [1, 31],
  [16, 15],
  [31, 31],
  [1, 8],
] as const) {
  t.test(`level ${first}, then ${second}`, async (t) => {
    if (!oracle(t, 'makedumpfile')) return;
    await dump(core, 'once', { level: first });
    await dump(core, 'direct', { level: first | second });
    const report = await dump(at('once'), 'twice', { level: second });
    t.equal(report.level, first | second, 'levels only add');
    t.ok(same('twice', 'direct'), 'as if it had been done at once');
    await theirs(at('once'), 'twice.theirs', second);
    t.ok(same('twice', 'twice.theirs'), 'as makedumpfile filters ours');
    await theirs(core, 'once.theirs', first);
    await dump(at('once.theirs'), 'twice.ours', { level: second });
    t.ok(same('twice.ours', 'twice.theirs'), "as we filter makedumpfile's");
  });
}

t.test('an ELF core that was filtered', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  await dump(core, 'elf', { level: 1, format: 'elf', compression: undefined });
  await dump(at('elf'), 'elf.elf', { level: 31, format: 'elf', compression: undefined });
  await theirs(at('elf'), 'elf.elf.theirs', 31, '-E');
  t.ok(same('elf.elf', 'elf.elf.theirs'), 'to an ELF core');
  await dump(at('elf'), 'elf.kdump', { level: 31 });
  await theirs(at('elf'), 'elf.kdump.theirs', 31);
  t.ok(same('elf.kdump', 'elf.kdump.theirs'), 'to a kdump-compressed dump');
});

t.test(
  'a dump that has lost its struct pages is copied as far as it goes, and asked for no more',
  async (t) => {
    await dump(core, 'whole', { level: 31 });
    const bytes = readFileSync(at('whole'));
    writeFileSync(at('cut'), bytes.subarray(0, bytes.length * 0.6));
    await using cut = await openVmcore(at('cut'));
    t.match(cut.filterProblem, { code: 'ERR_VMCORE_CORRUPT' }, 'its mem_map is in what is lost');
    const report = await cut.dump(at('copy'), { level: 0, compression: 'zlib', force: true });
    t.equal(report.level, 31);
    t.ok(report.unreadablePages > 0 && report.unreadablePages < report.written);
    await using copy = await openVmcore(at('copy'));
    const { compared, same } = await cut.diff(copy, { common: true });
    t.equal(compared, report.written - report.unreadablePages);
    t.equal(same, compared);
    await dump(core, 'unfiltered', { level: 1 });
    const raw = readFileSync(at('unfiltered'));
    writeFileSync(at('cut.unfiltered'), raw.subarray(0, raw.length * 0.3));
    await t.rejects(dump(at('cut.unfiltered'), 'more', { level: 31 }), { code: 'ERR_VMCORE_CORRUPT' });
  },
);

t.test('flattened, split and compressed inputs', async (t) => {
  await dump(core, 'direct', { level: 31, compression: 'zlib' });
  await dump(core, 'flat', { level: 1, compression: 'snappy', flattened: true });
  await dump(at('flat'), 'twice', { level: 31, compression: 'zlib' });
  t.ok(same('twice', 'direct'), 'flattened');
  await using whole = await openVmcore(core);
  const members = [at('a'), at('b')];
  await whole.dump(members, { level: 1, compression: 'lzo' });
  await using set = await openVmcore(members);
  await set.dump(at('twice'), { level: 31, compression: 'zlib', force: true });
  t.ok(same('twice', 'direct'), 'split');
});

t.test('a kdump-compressed dump as an ELF core', async (t) => {
  if (!oracle(t, 'drgn')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  if (!lab.vmlinux) return t.fail('the core has no vmlinux beside it');
  await dump(lab.path, 'once', { level: 31 });
  await dump(at('once'), 'elf', { level: 31, format: 'elf', compression: undefined });
  t.equal(
    await tasks(at('elf'), lab.vmlinux),
    await tasks(lab.path, lab.vmlinux),
    'drgn finds the same tasks',
  );
  await using a = await openVmcore(at('once'));
  await using b = await openVmcore(at('elf'));
  const { bitmap } = await a.classify({ level: 31 });
  const wrong: number[] = [];
  for (const [first, count] of bitmap.runs()) {
    for (let pfn = first; pfn < first + count; pfn++) {
      if (!Buffer.from(a.readPhysical(pfn * 4096, 4096)).equals(b.readPhysical(pfn * 4096, 4096)))
        wrong.push(pfn);
    }
  }
  t.strictSame(wrong, [], 'every page is the same');
});
