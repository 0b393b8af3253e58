// Poisoned and offline pages are in no ELF core, however short the run that they stand in.
import { join } from 'node:path';
import t from 'tap';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { setBits } from '../support/bits.ts';
import { labCore } from '../support/cores.ts';

t.setTimeout(600_000);

const PAGE = 4096;

/** What level 0 leaves out: nothing but these, in a core that has data for all its pages. */
async function neverRead(core: Vmcore): Promise<number[]> {
  const { bitmap, existing } = await core.classify({ level: 0 });
  return [...setBits(existing.bytes)].filter((pfn) => !bitmap.has(pfn));
}

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
