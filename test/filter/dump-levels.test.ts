// What each dump level keeps of each kind of page. Where makedumpfile decides otherwise, a remark says why.
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { keptOf, type PageCase, pagesOf, place, tableLevels } from '../support/page-cases.ts';
import { type Generation, generations } from '../support/page-generations.ts';
import { cases6_2, cases6_12 } from './page-cases.ts';

async function keptByLevel(generation: Generation, cases: readonly PageCase[]) {
  const placed = place(cases);
  const core = await openVmcore(buildKernelCore({ generation, pages: pagesOf(placed) }).elf);
  const kept = placed.map(({ name }) => ({ name, kept: [] as number[] }));
  for (const level of tableLevels) {
    const { bitmap } = await core.classify({ level });
    placed.forEach((pageCase, i) => {
      kept[i]!.kept.push(keptOf(pageCase, bitmap));
    });
  }
  await core.close();
  return kept;
}

for (const [generation, cases] of [
  [generations['6.2'], cases6_2],
  [generations['6.12'], cases6_12],
] as const) {
  t.test(`${generation.release}: pages kept at levels ${tableLevels.join(', ')}`, async (t) => {
    const found = await keptByLevel(generation, cases);
    cases.forEach(({ name, kept }, i) => {
      t.same(found[i]!.kept, kept, name);
    });
  });
}
