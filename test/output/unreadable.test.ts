// Pages of a core that are damaged: every output lacks them, says so, and has zeros nowhere.
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type DumpOptions, isVmcoreError, openVmcore, verifyDump } from '../../lib/index.ts';
import { setBits } from '../support/bits.ts';
import { bundledCore } from '../support/cores.ts';
import { readKdump } from '../support/kdump-file.ts';

t.setTimeout(600_000);

const PAGE = 4096;
const folder = t.testdir();
const damaged = join(folder, 'damaged');
const lost: number[] = [];

t.before(async () => {
  await using core = await openVmcore((await bundledCore()).path);
  await core.dump(damaged, { level: 31, compression: 'zlib' });
  const dump = readKdump(damaged);
  const file = openSync(damaged, 'r+');
  [...setBits(dump.bitmap2)].forEach((pfn, i) => {
    const { offset, flags, size } = dump.descriptor(i);
    if (i % 1000 !== 500 || flags === 0) return;
    writeSync(file, Buffer.alloc(size, 0xff), 0, size, offset);
    lost.push(pfn);
  });
  closeSync(file);
});

for (const options of [
  { compression: 'none' },
  { compression: 'zstd', level: 1 },
  { format: 'elf', level: 1 },
  { format: 'elf', level: 30 },
  { format: 'elf', flattened: true },
] satisfies DumpOptions[]) {
  t.test(JSON.stringify(options), async (t) => {
    const file = join(folder, 'dump');
    await using core = await openVmcore(damaged);
    const report = await core.dump(file, { ...options, force: true });
    t.ok(lost.length > 5, `${lost.length} pages are damaged`);
    t.match(report, { complete: false, unreadablePages: lost.length });
    t.strictSame(
      report.unreadable.map(({ pfn, error }) => [pfn, error.code]),
      lost.map((pfn) => [pfn, 'ERR_VMCORE_CORRUPT']),
    );
    await using dump = await openVmcore(file);
    for (const pfn of lost) {
      t.throws(() => dump.readPhysical(pfn * PAGE, PAGE), { code: 'ERR_VMCORE_NOT_PRESENT' }, `pfn ${pfn}`);
    }
    for (const pfn of [lost[0]! - 1, lost[0]! + 1]) {
      const expected = pageOrCode(core, pfn);
      t.strictSame(pageOrCode(dump, pfn), expected, 'the pages beside it are there');
    }
    await t.rejects(
      core.dump(file, { ...options, force: true, strict: true, onFailure: 'remove' }),
      { code: 'ERR_VMCORE_CORRUPT' },
      'with strict the first of them ends the dump',
    );
  });
}

t.test('a dump of an incomplete one is incomplete, whatever both formats are', async (t) => {
  await using core = await openVmcore(damaged);
  for (const format of ['kdump', 'elf'] as const) {
    const first = join(folder, `first.${format}`);
    await core.dump(first, { format, level: 1 });
    // What is lost may read as zeros: then a second dump has all of its pages.
    await using incomplete = await openVmcore(first, { excluded: 'zeros' });
    t.ok(incomplete.incomplete);
    for (const second of ['kdump', 'elf'] as const) {
      const file = join(folder, `second.${format}.${second}`);
      const report = await incomplete.dump(file, { format: second, level: 1 });
      t.match(report, { complete: false, unreadablePages: 0, warnings: [/incomplete itself/] });
      t.equal((await verifyDump(file)).state, 'incomplete', `${second} of ${format}`);
    }
  }
});

t.test('a split set', async (t) => {
  const files = ['a', 'b', 'c'].map((name) => join(folder, name));
  await using core = await openVmcore(damaged);
  const report = await core.dump(files, { compression: 'zlib' });
  t.match(report, { complete: false, unreadablePages: lost.length });
  await using set = await openVmcore(files);
  for (const pfn of lost)
    t.throws(() => set.readPhysical(pfn * PAGE, PAGE), { code: 'ERR_VMCORE_NOT_PRESENT' });
});

/** A page that was excluded reads as zeros in an ELF core, and is an error elsewhere. */
function pageOrCode(core: { readPhysical(paddr: number, length: number): Uint8Array }, pfn: number): string {
  try {
    return Buffer.from(core.readPhysical(pfn * PAGE, PAGE)).toString('base64');
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_EXCLUDED')) return Buffer.alloc(PAGE).toString('base64');
    throw error;
  }
}
