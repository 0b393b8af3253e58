// Split sets put together: the plain dump, whoever split it.
import { copyFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openVmcore, reassemble } from '../../lib/index.ts';
import { FileSink } from '../../lib/output/file-sink.ts';
import { KdumpWriter } from '../../lib/output/kdump.ts';
import { MISSING_PAGE, type PageBatch } from '../../lib/output/page-batch.ts';
import { vmcore } from '../cli/command.ts';
import { bundledCore } from '../support/cores.ts';
import { oracle, programs, run } from '../support/oracles.ts';
import { description, maxMapnr, PAGE, page, pfns } from './memory.ts';

t.setTimeout(600_000);

const core = await openVmcore((await bundledCore()).path);
t.teardown(() => core.close());

for (const [level, compression] of [
  [31, 'none'],
  [31, 'zlib'],
  [31, 'zstd'],
  [31, 'lzo'],
  [31, 'snappy'],
  [0, 'zlib'],
  [1, 'none'],
] as const) {
  t.test(`our own, level ${level}, ${compression}`, async (t) => {
    const [plain, joined, ...members] = ['plain', 'joined', 'a', 'b', 'c'].map((name) =>
      join(t.testdir(), name),
    );
    await core.dump(plain!, { level, compression });
    await core.dump(members, { level, compression });
    const report = await reassemble([members[2]!, members[0]!, members[1]!], joined!);
    const expected = readFileSync(plain!);
    t.ok(readFileSync(joined!).equals(expected));
    t.match(report, { file: joined!, complete: true, missingPages: 0, bytes: expected.length });
    const dry = await reassemble(members, `${joined}2`, { dryRun: true });
    t.equal(dry.bytes, expected.length);
    t.notOk(existsSync(`${joined}2`));
  });
}

t.test("makedumpfile's", async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const folder = t.testdir();
  for (const options of [[], ['-c'], ['-l']]) {
    const at = (name: string) => join(folder, `${name}${options.join('')}`);
    const members = ['a', 'b', 'c'].map(at);
    const split = ['--split', '--splitblock-size', '16384'];
    await run(programs.makedumpfile, [...split, ...options, '-d', '31', core.file, ...members]);
    await run(programs.makedumpfile, ['--reassemble', ...members, at('theirs')]);
    await reassemble(members, at('ours'));
    t.ok(readFileSync(at('ours')).equals(readFileSync(at('theirs'))), options.join(' ') || 'raw');
  }
});

t.test('to a stream, and from the command line', async (t) => {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  const members = ['a', 'b'].map(at);
  await core.dump(at('plain'), { compression: 'zlib' });
  await core.dump(at('flat'), { compression: 'zlib', flattened: true });
  await core.dump(members, { compression: 'zlib' });
  const stream = new PassThrough();
  const [bytes, report] = await Promise.all([buffer(stream), reassemble(members, stream)]);
  t.equal(bytes.length, report.bytes);
  const { status, stdout, stderr } = await vmcore(['reassemble', ...members, at('joined')]);
  t.equal(status, 0, stderr);
  t.match(stdout, /joined: .+ pages/);
  t.ok(readFileSync(at('joined')).equals(readFileSync(at('plain'))));
  t.equal((await vmcore(['reassemble', members[0]!])).status, 2);
  t.equal((await vmcore(['reassemble', members[0]!, members[1]!])).status, 1, 'a member is no output');
});

/** Two members of memory.ts, uncompressed. */
async function smallSet(
  t: Test,
  changes: { missing?: (pfn: number) => boolean; eraseinfo?: readonly string[]; status?: number } = {},
) {
  const folder = t.testdir();
  const border = 0x200;
  const ranges = [
    { startPfn: 0, endPfn: border },
    { startPfn: border, endPfn: maxMapnr },
  ];
  const files: string[] = [];
  for (const [i, split] of ranges.entries()) {
    const file = join(folder, `member${i}`);
    const eraseinfo = changes.eraseinfo && Buffer.from(changes.eraseinfo[i]!);
    const dump = description({ eraseinfo, status: i === 0 ? changes.status : 0 });
    const writer = new KdumpWriter(dump, await FileSink.create(file));
    const wanted = pfns((pfn) => pfn >= split.startPfn && pfn < split.endPfn);
    await writer.announce([dump.bitmap1]);
    await writer.addBitmap(dump.bitmap2);
    await writer.assign({ ...split, pages: wanted.length });
    await writer.begin();
    await writer.append(batchOf(wanted, changes.missing ?? (() => false)));
    await writer.finish();
    files.push(file);
  }
  return { folder, files, joined: join(folder, 'joined') };
}

function batchOf(wanted: readonly number[], isMissing: (pfn: number) => boolean): PageBatch {
  return {
    count: wanted.length,
    sizes: Uint32Array.from(wanted, (pfn) => (isMissing(pfn) ? 0 : PAGE)),
    flags: Uint32Array.from(wanted, (pfn) => (isMissing(pfn) ? MISSING_PAGE : 0)),
    data: Buffer.concat(wanted.filter((pfn) => !isMissing(pfn)).map(page)),
  };
}

/** Where the page descriptors begin: both headers, and a block for each bitmap. */
const descriptorsAt = 4 * PAGE;

t.test('pages that a member has lost stay lost', async (t) => {
  const { files, joined } = await smallSet(t, { missing: (pfn) => pfn % 10 === 3 });
  const report = await reassemble(files, joined);
  t.equal(report.missingPages, pfns((pfn) => pfn % 10 === 3).length);
  t.equal(report.complete, false);
  await using opened = await openVmcore(joined);
  for (const pfn of pfns()) {
    if (pfn % 10 !== 3) t.ok(Buffer.from(opened.readPhysical(pfn * PAGE, PAGE)).equals(page(pfn)));
    else t.throws(() => opened.readPhysical(pfn * PAGE, PAGE));
  }
});

t.test('the mark of an incomplete member stays', async (t) => {
  const { files, joined } = await smallSet(t, { status: 8 | 0x10 });
  t.equal((await reassemble(files, joined)).complete, false);
  t.equal(readFileSync(joined).readUInt32LE(424), 8 | 0x10);
});

t.test('what was erased is told in the order of the pages', async (t) => {
  const { files, joined, folder } = await smallSet(t, {
    eraseinfo: ['erase a size 1\n', 'erase b size 2\n'],
  });
  await reassemble(files.toReversed(), joined);
  const bytes = readFileSync(joined);
  const [offset, size] = [bytes.readBigUInt64LE(PAGE + 64), bytes.readBigUInt64LE(PAGE + 72)].map(Number);
  t.equal(offset! + size!, bytes.length);
  const text = 'erase a size 1\nerase b size 2\n';
  t.equal(bytes.toString('latin1', offset), text);

  for (const source of [joined, files]) {
    await using dump = await openVmcore(source);
    for (const target of [join(folder, 'again'), [join(folder, 'a'), join(folder, 'b')]]) {
      await dump.dump(target, { level: 1, compression: 'zlib', force: true });
      await using again = await openVmcore(target);
      await again.dump(join(folder, 'elf'), { level: 1, format: 'elf', force: true });
      await using elf = await openVmcore(join(folder, 'elf'));
      const note = elf.notes.find(({ name }) => name === 'ERASEINFO');
      t.equal(Buffer.from(note!.desc).toString(), text, 'filtering and splitting keep it');
    }
  }
});

t.test('what is no set', async (t) => {
  const { files, joined, folder } = await smallSet(t);
  const [first, second] = files as [string, string];
  await reassemble(files, joined);
  const output = join(folder, 'output');
  await t.rejects(reassemble([first], output), { code: 'ERR_VMCORE_TRUNCATED', message: /missing/ });
  await t.rejects(reassemble([second], output), { code: 'ERR_VMCORE_TRUNCATED' });
  await t.rejects(reassemble([first, joined], output), {
    code: 'ERR_VMCORE_ARGUMENT',
    message: /whole dump/,
  });
  await t.rejects(reassemble([first, first, second], output), { code: 'ERR_VMCORE_ARGUMENT' });
  await t.rejects(reassemble([], output), { code: 'ERR_VMCORE_ARGUMENT' });
  await t.rejects(reassemble([first, join(folder, 'absent')], output), { code: 'ERR_VMCORE_OPEN' });
  await t.rejects(reassemble(files, joined), { code: 'ERR_VMCORE_EXISTS' });
  for (const other of [core.file, fileURLToPath(import.meta.url), '/proc/version']) {
    const failure = { code: 'ERR_VMCORE_FORMAT', file: other, message: /is no kdump-compressed file/ };
    await t.rejects(reassemble([other, second], output), failure);
  }
  t.notOk(existsSync(output), 'nothing is made of it');
});

t.test('members that are damaged or cut off', async (t) => {
  const { files, folder } = await smallSet(t);
  const [first, second] = files as [string, string];
  const damaged = join(folder, 'damaged');
  const output = join(folder, 'output');
  const incomplete: string[] = [];
  const options = { force: true, onIncomplete: (file: string) => incomplete.push(file) };
  const patches: [string, (bytes: Buffer) => void][] = [
    ['an offset in the headers', (bytes) => bytes.writeBigUInt64LE(100n, descriptorsAt)],
    ['an offset that wraps', (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 1n, descriptorsAt)],
    ['a page larger than a page', (bytes) => bytes.writeUInt32LE(PAGE + 1, descriptorsAt + 8)],
    ['a raw page that is smaller', (bytes) => bytes.writeUInt32LE(PAGE - 1, descriptorsAt + 8)],
    ['unknown flags', (bytes) => bytes.writeUInt32LE(0x40, descriptorsAt + 12)],
  ];
  for (const [name, patch] of patches) {
    const bytes = readFileSync(first);
    patch(bytes);
    writeFileSync(damaged, bytes);
    await t.rejects(
      reassemble([damaged, second], output, options),
      { code: 'ERR_VMCORE_CORRUPT', file: damaged },
      name,
    );
  }
  copyFileSync(first, damaged);
  truncateSync(damaged, readFileSync(first).length - 1);
  await t.rejects(reassemble([damaged, second], output, options), { code: 'ERR_VMCORE_TRUNCATED' });
  t.ok(incomplete.length > 0, 'what was put together is kept, marked incomplete');
  for (const file of incomplete) t.equal(readFileSync(file).readUInt32LE(424) & 8, 8);
});
