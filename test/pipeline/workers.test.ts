// Worker threads change nothing but the time: every dump is the same, byte for byte, whoever copied its pages.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { codecs, type DumpOptions, type DumpTarget, openVmcore, type Vmcore } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore, labCore } from '../support/cores.ts';
import { PAGE } from '../support/physical-image.ts';
import { writeSmallCore } from './small-core.ts';

t.setTimeout(300_000);

const folder = t.testdir();
/** Short maps: many jobs even in a small core. */
const OPTIONS = { regionBytes: 1 << 20 } as const;
/** A plan that was measured would be another one each time. */
const costs = { mapCall: 6000, mapPage: 0, touchPage: 130, readCall: 700, readPage: 250 };

/** The files of a dump, or what a stream got. */
async function dump(core: Vmcore, target: 'file' | 'split' | 'stream', options: DumpOptions) {
  const files =
    target === 'split' ? ['a', 'b', 'c'].map((name) => join(folder, name)) : [join(folder, 'dump')];
  for (const file of files) rmSync(file, { force: true });
  const stream = new PassThrough();
  const targets: Record<typeof target, DumpTarget> = { file: files[0]!, split: files, stream };
  const received = target === 'stream' ? buffer(stream) : undefined;
  const report = await core.dump(targets[target], { costs, ...options });
  return { report, bytes: received ? [await received] : files.map((file) => readFileSync(file)) };
}

async function checkSame(
  t: Test,
  core: Vmcore,
  target: 'file' | 'split' | 'stream',
  options: DumpOptions,
  counts = [1, 2, 4],
): Promise<void> {
  const isInMemory = core.file === 'buffer';
  const alone = await dump(core, target, { ...options, workers: 0 });
  for (const workers of counts) {
    const { report, bytes } = await dump(core, target, { ...options, workers });
    const same =
      bytes.length === alone.bytes.length && bytes.every((file, i) => file.equals(alone.bytes[i]!));
    t.ok(same, `${JSON.stringify(options)}, ${workers} workers`);
    const { phases: _, ...pages } = report;
    const { phases: __, ...expected } = alone.report;
    t.same(pages, expected, 'and so is the report');
    for (const { predicted, calls } of report.phases) {
      if (!predicted || isInMemory) continue;
      const { maps, mapBytes, unmaps, preads, preadBytes } = predicted;
      t.match(calls, { maps, mapBytes, unmaps, preads, preadBytes }, 'calls as predicted');
    }
  }
}

const compressions = (['none', 'zlib', 'zstd', 'lzo', 'snappy'] as const).filter(
  (name) => name === 'none' || codecs()[name].available,
);

for (const level of [0, 1, 31]) {
  t.test(`level ${level} of a core whose pages all differ`, async (t) => {
    await using core = await openVmcore(writeSmallCore(folder).path, OPTIONS);
    for (const compression of compressions) await checkSame(t, core, 'file', { level, compression });
    await checkSame(t, core, 'file', { level, format: 'elf' });
    await checkSame(t, core, 'split', { level });
    await checkSame(t, core, 'file', { level, scrub: [{ paddr: 5 * PAGE - 100, size: 9 << 20 }] });
    await checkSame(t, core, 'stream', { level });
  });
}

t.test('bundled', async (t) => {
  await using core = await openVmcore((await bundledCore()).path);
  for (const compression of compressions) await checkSame(t, core, 'file', { compression }, [2]);
  await checkSame(t, core, 'file', { level: 0, compression: 'none' }, [2]);
  await checkSame(t, core, 'file', { level: 1, format: 'elf' }, [2]);
  await checkSame(t, core, 'split', { level: 1 }, [2, 4]);
});

t.test('big-endian', async (t) => {
  await using core = await openVmcore((await bundledS390xCore()).path, OPTIONS);
  await checkSame(t, core, 'file', { compression: 'zlib' });
  await checkSame(t, core, 'file', { level: 0, compression: 'none' });
  await checkSame(t, core, 'stream', { level: 1 });
});

t.test('a core of 512 MiB, in long maps', async (t) => {
  const lab = await labCore(t, 'small');
  if (!lab) return;
  await using core = await openVmcore(lab.path);
  await checkSame(t, core, 'file', { level: 31, compression: 'zstd' });
  await checkSame(t, core, 'file', { level: 1, compression: 'none' });
});

t.test('a core that other threads can not reach is copied by the one that has it', async (t) => {
  await using core = await openVmcore(readFileSync(writeSmallCore(folder).path));
  await checkSame(t, core, 'file', { level: 31, compression: 'zlib' });
});
