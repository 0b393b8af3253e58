// The same pages on a big-endian machine: the same are left out, whichever way its addresses are laid out.
import t from 'tap';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { keptOf, pagesOf, place, tableLevels } from '../support/page-cases.ts';
import { type Generation, generations } from '../support/page-generations.ts';
import { buildS390xCore } from '../support/s390x-core.ts';
import { cases6_2, cases6_12 } from './page-cases.ts';

t.setTimeout(600_000);

const tables = { '6.2': cases6_2, '6.12': cases6_12 };
/** Below the machine's own page frames, above its lowcore and 31-bit code. */
const FIRST_PFN = 1024;

async function kept(core: Vmcore, level: number, end: number): Promise<string> {
  const { bitmap } = await core.classify({ level });
  const runs = [...bitmap.runs()].filter(([pfn]) => pfn >= FIRST_PFN && pfn < end);
  return runs.map(([pfn, count]) => `${pfn}+${Math.min(count, end - pfn)}`).join(' ');
}

for (const [release, cases] of Object.entries(tables)) {
  t.test(release, async (t) => {
    const generation: Generation = generations[release as keyof typeof tables];
    const placed = place(cases, FIRST_PFN);
    const pages = pagesOf(placed);
    const end = Math.max(...pages.keys()) + 1;
    await using little = await openVmcore(buildKernelCore({ generation, pages }).elf);
    for (const layout of ['identity', 'decoupled'] as const) {
      const built = buildS390xCore({ layout, generation, pages });
      t.ok(built.freePages > end, 'the machine has room for the cases');
      await using big = await openVmcore(built.elf);
      for (const [column, level] of tableLevels.entries()) {
        if ((level & 1) !== 0) continue; // looks at the pages themselves, which are zeros here
        const { bitmap } = await big.classify({ level });
        const wrong = placed.filter((pageCase) => keptOf(pageCase, bitmap) !== pageCase.kept[column]);
        t.same(
          wrong.map(({ name }) => name),
          [],
          `${layout}, level ${level}: every case`,
        );
        t.equal(await kept(big, level, end), await kept(little, level, end), 'the same pages');
      }
    }
  });
}
