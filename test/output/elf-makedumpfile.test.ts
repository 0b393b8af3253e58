// Our ELF cores are those of `makedumpfile -E`, byte by byte.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { type TestCore, x86Cores } from '../support/cores.ts';
import { ElfCore } from '../support/elf-core.ts';
import { makedumpfileVersion } from '../support/makedumpfile.ts';
import { knownDefects, versionNumber } from '../support/makedumpfile-defects.ts';
import { oracle, programs, run } from '../support/oracles.ts';

t.setTimeout(600_000);

const levels = [0, 1, 2, 4, 8, 16, 31];

/**
 * Why the bytes may differ: it judges pages otherwise, or writes poisoned and offline pages that stand between others,
 * which we never read.
 */
async function differs(core: TestCore, ours: Vmcore): Promise<string | undefined> {
  const { counts } = await ours.classify({ level: 0 });
  if (counts.hwpoison + counts.offline > 0) return 'the core has poisoned or offline pages';
  const elf = new ElfCore(core.path);
  const defects = knownDefects(elf, versionNumber(await makedumpfileVersion()));
  elf.close();
  const telling = defects.filter(({ name }) => !/poisoned|offline/.test(name));
  return telling[0]?.name;
}

for (const core of await x86Cores()) {
  t.test(core.name, async (t) => {
    if (!oracle(t, 'makedumpfile')) return;
    const ours = await openVmcore(core.path);
    t.teardown(() => ours.close());
    const why = await differs(core, ours);
    if (why) return t.pass(`not compared: ${why}`);
    const [mine, theirs] = ['ours', 'theirs'].map((name) => join(t.testdir(), name)) as [string, string];
    for (const level of core.name === 'bundled' ? levels : [1, 31]) {
      const report = await ours.dump(mine, { level, format: 'elf' });
      await run(programs.makedumpfile, ['-E', '-d', String(level), core.path, theirs]);
      const bytes = readFileSync(mine);
      t.ok(bytes.equals(readFileSync(theirs)), `level ${level}`);
      t.equal(report.bytes, bytes.length);
      for (const file of [mine, theirs]) rmSync(file);
    }
  });
}
