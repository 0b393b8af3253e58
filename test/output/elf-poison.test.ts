// Poisoned and offline pages are in no ELF core, however short the run that they stand in.
import { join } from 'node:path';
import t from 'tap';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { setBits } from '../support/bits.ts';
import { labCore } from '../support/cores.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { anon, type PageFields } from '../support/page-writer.ts';

t.setTimeout(600_000);

const PAGE = 4096;

/** What level 0 leaves out: nothing but these, in a core that has data for all its pages. */
async function neverRead(core: Vmcore): Promise<number[]> {
  const { bitmap, existing } = await core.classify({ level: 0 });
  return [...setBits(existing.bytes)].filter((pfn) => !bitmap.has(pfn));
}

t.test('a poisoned page that a level leaves out as user data', async (t) => {
  const user: PageFields = { flags: ['lru'], mapping: anon };
  const poisoned: PageFields = { flags: ['lru', 'hwpoison'], mapping: anon };
  const pages = new Map([
    [1030, user],
    [1031, poisoned],
  ]);
  await using core = await openVmcore(buildKernelCore({ pages }).elf);
  const { counts } = await core.classify({ level: 8 });
  t.match(counts, { user: 2, hwpoison: 0 }, 'it is not counted as poisoned');
  const file = join(t.testdir(), 'dump');
  await core.dump(file, { level: 8, format: 'elf' });
  await using dump = await openVmcore(file, { excluded: 'error' });
  for (const pfn of [1030, 1031]) {
    t.throws(() => dump.readPhysical(pfn * PAGE, PAGE), { code: 'ERR_VMCORE_EXCLUDED' });
  }
  t.equal(dump.readPhysical(1032 * PAGE, PAGE).length, PAGE);
});

for (const [name, pageClass, levels] of [
  ['poison', 'hwpoison', [0, 31]],
  ['numa', 'offline', [31]],
] as const) {
  t.test(`${pageClass} pages`, async (t) => {
    const lab = await labCore(t, name);
    if (!lab) return;
    await using core = await openVmcore(lab.path);
    const never = await neverRead(core);
    const { counts } = await core.classify({ level: 0 });
    t.equal(never.length, counts[pageClass]);
    t.ok(never.length > 0, `${never.length} of them`);
    for (const level of levels) {
      const file = join(t.testdir(), 'dump');
      await core.dump(file, { level, format: 'elf' });
      await using dump = await openVmcore(file, { excluded: 'error' });
      const isThere = (pfn: number) => {
        try {
          return dump.readPhysical(pfn * PAGE, PAGE).length > 0;
        } catch {
          return false;
        }
      };
      t.strictSame(never.filter(isThere), [], `level ${level}`);
      const beside = never.flatMap((pfn) => [pfn - 1, pfn + 1]).filter((pfn) => !never.includes(pfn));
      if (level === 0) t.ok(beside.slice(0, 100).some(isThere), 'those beside them are');
    }
  });
}
