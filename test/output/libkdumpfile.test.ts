// libkdumpfile reads from our dumps what the core holds.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { codecs, openVmcore } from '../../lib/index.ts';
import { setBits } from '../support/bits.ts';
import { type TestCore, x86Cores } from '../support/cores.ts';
import { ElfCore } from '../support/elf-core.ts';
import { compressedBy, type KdumpFile, readKdump } from '../support/kdump-file.ts';
import { attributes, pages } from '../support/libkdumpfile.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(600_000);

const pageSize = 4096;
const compressions = ['none', 'zlib', 'zstd', 'lzo', 'snappy'] as const;

/** Levels that keep most pages only where that is quick. */
function levelsFor(core: TestCore, compression: (typeof compressions)[number]): number[] {
  if (compression === 'lzo' || compression === 'snappy') return core.name === 'bundled' ? [31] : [];
  return core.size < 2 ** 28 ? [0, 1, 31] : [31];
}

/** How many pages are stored in each way, by the flags of their descriptors. */
function storedAs(dump: KdumpFile): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < dump.descriptors; i++) {
    const { flags } = dump.descriptor(i);
    const name = Object.entries(compressedBy).find(([, value]) => value === flags)?.[0] ?? `flags ${flags}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

async function comparePages(
  t: Test,
  core: TestCore,
  file: string | readonly string[],
  pfns: readonly number[],
): Promise<void> {
  const source = new ElfCore(core.path);
  const wrong: string[] = [];
  let compared = 0;
  for await (const [pfn, page] of pages(file, pfns)) {
    const expected = source.physical(pfn * pageSize, pageSize);
    if (!expected?.equals(page)) wrong.push(pfn.toString(16));
    compared++;
  }
  source.close();
  t.same(wrong, [], 'every page is that of the core');
  t.equal(compared, pfns.length);
}

async function compareDump(
  t: Test,
  core: TestCore,
  level: number,
  compression: (typeof compressions)[number],
) {
  const file = join(t.testdir(), 'dump');
  const ours = await openVmcore(core.path);
  await ours.dump(file, { level, compression });
  await ours.close();

  const dump = readKdump(file);
  t.equal(dump.codec, compression);
  t.equal(dump.isIncomplete, false);
  const uses = storedAs(dump);
  t.ok(compression === 'none' || (uses[compression] ?? 0) > 0, 'some pages are compressed');
  await comparePages(t, core, file, [...setBits(dump.bitmap2)]);
  t.comment(`stored ${JSON.stringify(uses)}`);
  const { format, ...attributesOfDump } = await attributes(file);
  const { format: _, ...attributesOfCore } = await attributes(core.path);
  t.equal(format, 'diskdump');
  t.same(attributesOfDump, attributesOfCore, 'the same VMCOREINFO, architecture, release and registers');
  rmSync(file);
}

for (const core of await x86Cores()) {
  t.test(core.name, async (t) => {
    if (!oracle(t, 'libkdumpfile')) return;
    for (const compression of compressions) {
      for (const level of levelsFor(core, compression)) {
        const skip = compression === 'zstd' && !codecs().zstd.available && 'no zstd here';
        await t.test(`${compression}, level ${level}`, { skip }, (t) =>
          compareDump(t, core, level, compression),
        );
      }
    }
  });
}

t.test('an ELF core', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const [core] = await x86Cores();
  const file = join(t.testdir(), 'dump');
  await using ours = await openVmcore(core!.path);
  // With bit 0 pages of zeros would not be there.
  await ours.dump(file, { level: 30, format: 'elf' });
  const { bitmap } = await ours.classify({ level: 30 });
  await comparePages(t, core!, file, [...setBits(bitmap.bytes)]);
  t.same(await attributes(file), await attributes(core!.path), 'it tells the same of the machine');
});

t.test('a split set, in any order', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const [core] = await x86Cores();
  const files = ['c', 'a', 'b'].map((name) => join(t.testdir(), name));
  await using ours = await openVmcore(core!.path);
  await ours.dump(files, { level: 31, compression: 'zlib' });
  const kept = [...setBits(readKdump(files[0]!).bitmap2)];
  for (const order of [files, files.toReversed(), [files[1]!, files[2]!, files[0]!]]) {
    await comparePages(t, core!, order, kept);
  }
});
