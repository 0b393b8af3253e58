// Levels to fall back to when there is no room, and what is left when none fits.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type DumpOptions, openVmcore } from '../../lib/index.ts';
import { bundledCore, labCore } from '../support/cores.ts';
import { crashSession } from '../support/crash.ts';
import { readKdump } from '../support/kdump-file.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(600_000);

const core = await openVmcore((await bundledCore()).path);
t.teardown(() => core.close());

/** A file system of so many bytes; undefined where the test may not mount one, and was skipped. */
function smallDisk(t: Test, bytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'vmcore-disk-'));
  const options = `size=${Math.ceil(bytes / 4096) * 4096}`;
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0;
  t.teardown(() => {
    if (isMounted) spawnSync('umount', [folder]);
    rmdirSync(folder);
  });
  if (isMounted) return folder;
  t.plan(0, 'may not mount a file system');
  return undefined;
}

/** The plain dump of a level, to compare with. */
async function plainDump(t: Test, options: DumpOptions): Promise<Buffer> {
  const file = join(t.testdir(), 'plain');
  await core.dump(file, options);
  return readFileSync(file);
}

for (const options of [
  { compression: 'none' },
  { compression: 'zlib' },
  { format: 'elf' },
  { compression: 'none', flattened: true },
] satisfies DumpOptions[]) {
  t.test(`the next level is tried on a disk that is full: ${JSON.stringify(options)}`, async (t) => {
    const expected = await plainDump(t, { ...options, level: 31 });
    const disk = smallDisk(t, expected.length + 2 ** 20);
    if (!disk) return;
    const file = join(disk, 'dump');
    const report = await core.dump(file, { ...options, levels: [0, 31] });
    t.match(report, { level: 31, complete: true, bytes: expected.length });
    t.strictSame(
      report.failedLevels.map(({ level, error }) => [level, error.code]),
      [[0, 'ERR_VMCORE_NO_SPACE']],
    );
    t.ok(readFileSync(file).equals(expected));
    t.strictSame(readdirSync(disk), ['dump'], 'nothing is left of the level before');
  });
}

t.test('the size limit is as a full disk', async (t) => {
  const expected = await plainDump(t, { compression: 'zlib', level: 31 });
  const file = join(t.testdir(), 'dump');
  const report = await core.dump(file, {
    levels: [0, 1, 31],
    compression: 'zlib',
    maxBytes: expected.length,
  });
  t.equal(report.level, 31, 'it may be exactly as large');
  t.strictSame(
    report.failedLevels.map(({ level }) => level),
    [0, 1],
  );
  t.ok(readFileSync(file).equals(expected));
});

t.test('the file that is replaced stays until a level fits', async (t) => {
  const file = join(t.testdir({ dump: 'precious' }), 'dump');
  const options = { levels: [1, 31], compression: 'zlib', force: true, onFailure: 'remove' } as const;
  await t.rejects(core.dump(file, { ...options, maxBytes: 1_000_000 }), { code: 'ERR_VMCORE_NO_SPACE' });
  t.equal(readFileSync(file, 'utf8'), 'precious');
  const { level } = await core.dump(file, { ...options, maxBytes: 30_000_000 });
  t.equal(readKdump(file).level, level);
});

t.test('a set of files falls back together', async (t) => {
  const files = ['a', 'b'].map((name) => join(t.testdir(), name));
  const report = await core.dump(files, { levels: [0, 31], compression: 'zlib', maxBytes: 15_000_000 });
  t.equal(report.level, 31);
  for (const file of files) t.equal(readKdump(file).level, 31);
});

t.test('any other error ends the dump', async (t) => {
  const levels: number[] = [];
  const dump = core.dump(join(t.testdir(), 'dump'), {
    levels: [0, 31],
    onProgress({ phase }) {
      if (phase !== 'write') return;
      levels.push(0);
      throw new Error('enough');
    },
  });
  await t.rejects(dump, /enough/);
  t.equal(levels.length, 1);
});

t.test('when no level fits, crash analyses what is left of the last', async (t) => {
  if (!oracle(t, 'crash')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  if (!lab.vmlinux) return t.fail('the core has no vmlinux beside it');
  await using source = await openVmcore(lab.path);
  const needed = (await source.dump('dry', { level: 31, compression: 'none', dryRun: true })).bytes;
  const disk = smallDisk(t, needed - 2 ** 16);
  if (!disk) return;
  const file = join(disk, 'dump');
  const left: string[] = [];
  const options = {
    levels: [1, 31],
    compression: 'none',
    onIncomplete: (one: string) => left.push(one),
  } as const;
  await t.rejects(source.dump(file, options), { code: 'ERR_VMCORE_NO_SPACE' });
  t.strictSame(left, [file]);
  const dump = readKdump(file);
  t.match(dump, { isIncomplete: true, level: 31 });
  t.ok(statSync(file).size > needed - 2 ** 17, 'the disk was used');
  // What does not fit is the end of memory, where the kernel has some of its page tables.
  const [sys] = await crashSession(lab.vmlinux, file, ['sys'], ['--zero_excluded']);
  t.match(sys, /\[INCOMPLETE\]/);
  t.match(sys, /RELEASE: /);
});

for (const options of [
  { compression: 'none' },
  { compression: 'zlib' },
  { compression: 'zstd' },
  { format: 'elf' },
  { format: 'elf', flattened: true },
  { compression: 'lzo', flattened: true },
] satisfies DumpOptions[]) {
  t.test(`a dry run tells the size: ${JSON.stringify(options)}`, async (t) => {
    const file = join(t.testdir(), 'dump');
    for (const level of [1, 31]) {
      const dry = await core.dump(file, { ...options, level, dryRun: true });
      t.notOk(existsSync(file), 'nothing is written');
      const { phases: _, ...real } = await core.dump(file, { ...options, level, force: true });
      const { phases: __, ...foreseen } = dry;
      t.strictSame({ ...foreseen, dryRun: false }, real, `level ${level}: all but the times`);
      t.equal(dry.bytes, statSync(file).size);
      rmSync(file);
    }
  });
}

t.test('a dry run of a set, of a stream, and within a limit', async (t) => {
  const files = ['a', 'b'].map((name) => join(t.testdir(), name));
  const dry = await core.dump(files, { dryRun: true });
  const real = await core.dump(files);
  t.strictSame(dry.members, real.members);
  const limited = await core.dump('none', { levels: [0, 31], dryRun: true, maxBytes: real.bytes });
  t.equal(limited.level, 31);
  t.notOk(existsSync('none'));
});

t.test('a dry run does not look at what is there', async (t) => {
  const file = join(t.testdir(), 'dump');
  writeFileSync(file, 'precious');
  t.equal((await core.dump(file, { dryRun: true })).dryRun, true);
  t.equal(readFileSync(file, 'utf8'), 'precious');
});

t.test('levels that make no sense', async (t) => {
  const file = join(t.testdir(), 'dump');
  const refused = { code: 'ERR_VMCORE_ARGUMENT' };
  await t.rejects(core.dump(file, { levels: [] }), refused);
  await t.rejects(core.dump(file, { levels: [1, 32] }), refused);
  await t.rejects(core.dump(file, { level: 1, levels: [1, 31] }), refused);
  await t.rejects(core.dump(file, { maxBytes: 0 }), refused);
  await t.rejects(core.dump(file, { maxBytes: 1.5 }), refused);
  await t.rejects(core.dump(file, { compression: 'zlib', compressionLevel: 10 }), refused);
  await t.rejects(core.dump(file, { compression: 'zlib', format: 'elf' }), refused);
  t.notOk(existsSync(file));
});
