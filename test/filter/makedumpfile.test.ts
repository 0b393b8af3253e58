// The pages that we write are those that makedumpfile writes, except where a known defect of it explains the page.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { bit, differences } from '../support/bits.ts';
import { type TestCore, x86Cores } from '../support/cores.ts';
import { readKdump } from '../support/kdump-file.ts';
import { makedumpfile, makedumpfileVersion } from '../support/makedumpfile.ts';
import { checkDifferences, Explanations, hex } from '../support/makedumpfile-differences.ts';
import { oracle } from '../support/oracles.ts';

const allLevels = [0, 1, 2, 4, 8, 16, 31];

/** Raw dumps of a large core would fill the disk. */
function levelsFor(core: TestCore): number[] {
  return core.size > 4 * 2 ** 30 ? [31] : allLevels;
}

async function checkLevel(
  t: Test,
  { path }: TestCore,
  ours: Vmcore,
  level: number,
  explanations: Explanations,
): Promise<void> {
  const folder = t.testdir();
  const [theirFile, ourFile] = [join(folder, 'makedumpfile'), join(folder, 'vmcore')];
  const { dump: theirs } = await makedumpfile(path, theirFile, level);
  rmSync(theirFile);
  await ours.dump(ourFile, { level, compression: 'none' });
  const written = readKdump(ourFile);
  rmSync(ourFile);
  const { bitmap } = await ours.classify({ level });

  t.equal(written.level, level);
  t.equal(written.maxPfn, theirs.maxPfn, 'the same number of page frames');
  t.equal(hex(differences(written.bitmap1, theirs.bitmap1)), '0: ', 'the same page frames exist');
  const misjudged = Array.from({ length: written.maxPfn }, (_, pfn) => pfn).filter(
    (pfn) => bitmap.has(pfn) !== bit(written.bitmap2, pfn),
  );
  t.equal(hex(misjudged), '0: ', 'classify() tells what dump() writes');
  checkDifferences(t, differences(written.bitmap2, theirs.bitmap2), explanations.at(level, theirs.bitmap1));
}

t.setTimeout(600_000);

for (const core of await x86Cores()) {
  t.test(core.name, async (t) => {
    if (!oracle(t, 'makedumpfile')) return;
    const explanations = new Explanations(core.path, await makedumpfileVersion());
    const ours = await openVmcore(core.path);
    t.teardown(() => ours.close());
    for (const level of levelsFor(core))
      await t.test(`level ${level}`, (t) => checkLevel(t, core, ours, level, explanations));
  });
}
