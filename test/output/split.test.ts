// Split sets: which file gets which pages, and what makedumpfile makes of them.
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { openVmcore } from '../../lib/index.ts';
import { splitRanges } from '../../lib/output/split.ts';
import { bundledCore } from '../support/cores.ts';
import { oracle, programs, run } from '../support/oracles.ts';

t.setTimeout(600_000);

const core = await openVmcore((await bundledCore()).path);
t.teardown(() => core.close());
const folder = t.testdir();
const at = (name: string) => join(folder, name);
const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => at(`${prefix}${i}`));
const sixteenMiB = 16 * 2 ** 20;

t.test('ranges follow each other, begin at blocks, and have about as many pages each', async (t) => {
  const shape = fc.record({
    pages: fc.integer({ min: 0, max: 5000 }),
    files: fc.integer({ min: 1, max: 9 }),
    block: fc.constantFrom(64, 128, 512),
    seed: fc.integer({ min: 1, max: 50 }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ pages, files, block, seed }) => {
      const kept = new PageBitmap(pages);
      for (let pfn = 0; pfn < pages; pfn++) if ((pfn * 7919) % 101 < seed) kept.set(pfn, pfn + 1);
      const ranges = await splitRanges([kept], kept.count(), files, block);
      const share = Math.floor(kept.count() / files);
      const follow = ranges.every(({ startPfn }, i) => startPfn === (ranges[i - 1]?.endPfn ?? 0));
      const aligned = ranges.every(({ startPfn }) => startPfn % block === 0 || startPfn === pages);
      // The last file has the rest; a block at the end that is not whole counts for none of the others.
      const fair = ranges.slice(0, -1).every(({ startPfn, endPfn }) => {
        return kept.count(startPfn, endPfn) < share + 2 * block;
      });
      const counted = ranges.every(({ startPfn, endPfn, pages }) => pages === kept.count(startPfn, endPfn));
      const pieces = [kept.slice(0, 1096), kept.slice(1096, 2048), kept.slice(2048, pages)].filter(
        (piece) => piece.pages > 0,
      );
      t.strictSame(await splitRanges(pieces, kept.count(), files, block), ranges, 'the same of pieces');
      const whole = ranges.length === files && ranges.at(-1)!.endPfn === pages;
      return whole && follow && aligned && fair && counted;
    }),
  );
  t.pass();
});

t.test('members are those of makedumpfile --split, byte by byte', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  for (const [level, count] of [
    [31, 3],
    [1, 2],
  ] as const) {
    const [ours, theirs] = [names('ours', count), names('theirs', count)];
    const options = { level, compression: 'none', force: true, splitBlockBytes: sixteenMiB } as const;
    const report = await core.dump(ours, options);
    const args = ['--split', '--splitblock-size', String(sixteenMiB / 1024), '-f', '-d', String(level)];
    await run(programs.makedumpfile, [...args, core.file, ...theirs]);
    ours.forEach((file, i) => {
      t.ok(readFileSync(file).equals(readFileSync(theirs[i]!)), `level ${level}, file ${i}`);
    });
    t.strictSame(
      report.members?.map(({ file, bytes }) => [file, bytes]),
      ours.map((file) => [file, statSync(file).size]),
    );
    t.match(report, {
      file: ours[0]!,
      complete: true,
      bytes: ours.reduce((sum, file) => sum + statSync(file).size, 0),
    });
  }
});

for (const compression of ['none', 'zlib', 'zstd'] as const) {
  t.test(`makedumpfile --reassemble makes the plain dump of a set, ${compression}`, async (t) => {
    if (!oracle(t, 'makedumpfile')) return;
    const options = { level: 31, compression, force: true } as const;
    await core.dump(at('plain'), options);
    const members = names('member', 4);
    await core.dump(members, options);
    rmSync(at('joined'), { force: true });
    await run(programs.makedumpfile, ['--reassemble', ...members.toReversed(), at('joined')]);
    t.ok(readFileSync(at('joined')).equals(readFileSync(at('plain'))));
  });
}

t.test('a set of which one file can not be written has no complete one', async (t) => {
  const members = names('limited', 3);
  const left: string[] = [];
  const options = {
    compression: 'zlib',
    maxBytes: 5_000_000,
    onIncomplete: (file: string) => left.push(file),
  } as const;
  await t.rejects(core.dump(members, options), { code: 'ERR_VMCORE_NO_SPACE' });
  t.strictSame(left, members);
  for (const file of members) t.equal(readFileSync(file).readUInt32LE(424) & 8, 8, 'marked incomplete');

  const blocked = [at('new'), members[1]!];
  await t.rejects(core.dump(blocked), { code: 'ERR_VMCORE_EXISTS', file: members[1]! });
  t.notOk(existsSync(at('new')), 'the others are not left behind');
});

t.test('a set of which one file has no room for its last bytes has no complete one', async (t) => {
  const options = { level: 31, compression: 'none', splitBlockBytes: sixteenMiB } as const;
  const { members } = await core.dump(names('room', 2), options);
  const maxBytes = Math.max(...members!.map(({ bytes }) => bytes));
  t.equal(members![0]!.bytes, maxBytes, 'the first file is the larger one');
  const files = names('tight', 2);
  // Only the first file says what was erased, behind its pages.
  const scrub = [{ paddr: 0x1000, size: 8 }];
  await t.rejects(core.dump(files, { ...options, maxBytes, scrub }), { code: 'ERR_VMCORE_NO_SPACE' });
  for (const file of files) {
    t.equal(readFileSync(file).readUInt32LE(424) & 8, 8, `${file} is marked incomplete`);
  }
});

t.test('an abort ends all of them', async (t) => {
  const controller = new AbortController();
  const members = names('aborted', 3);
  const dump = core.dump(members, {
    level: 0,
    compression: 'zlib',
    signal: controller.signal,
    onFailure: 'remove',
    onProgress: ({ phase, pages }) => {
      if (phase === 'write' && pages > 1000) controller.abort(new Error('enough'));
    },
  });
  await t.rejects(dump, /enough/);
  for (const file of members) t.notOk(existsSync(file));
});

t.test('sets that are none', async (t) => {
  const refused = { code: 'ERR_VMCORE_ARGUMENT' };
  await t.rejects(core.dump([]), refused);
  await t.rejects(core.dump([at('same'), at('same')]), refused);
  await t.rejects(core.dump([at('same'), at('./same')], { force: true }), refused);
  await t.rejects(core.dump([`${folder}/x`, `${folder}/./x`], { force: true }), refused);
  await t.rejects(core.dump([at('x'), at('y')], { format: 'elf' }), refused);
  await t.rejects(core.dump([at('x'), at('y')], { flattened: true }), refused);
  await t.rejects(core.dump([at('x'), at('y')], { splitBlockBytes: 4096 }), refused);
  t.notOk(existsSync(at('x')));
});
