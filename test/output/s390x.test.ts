// Dumps of a big-endian core are those that makedumpfile makes on s390x, to the byte.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { formatRecord, openVmcore, reassemble, type Vmcore } from '../../lib/index.ts';
import { s390xCores, type TestCore } from '../support/cores.ts';
import { oracle, run, s390xMakedumpfile } from '../support/oracles.ts';

t.setTimeout(600_000);

const folder = t.testdir();
const ours = join(folder, 'ours');
const theirs = join(folder, 'theirs');

/** Runs makedumpfile; its last argument is what it writes. */
async function makedumpfile(...args: string[]): Promise<Buffer> {
  const [command, ...line] = s390xMakedumpfile('--message-level', '0', '-f', ...args, theirs);
  await run(command, line);
  return readFileSync(theirs);
}

async function compareLevels(t: Test, core: Vmcore): Promise<void> {
  for (const level of [0, 1, 2, 4, 8, 16, 31]) {
    // Equal to the byte is more than bitmaps that are equal: there is no difference to explain.
    await core.dump(ours, { level, compression: 'none', force: true });
    const raw = readFileSync(ours);
    t.ok(raw.equals(await makedumpfile('-d', String(level), core.file)), `level ${level}, stored raw`);
    await core.dump(ours, { level, format: 'elf', force: true });
    const elf = await makedumpfile('-E', '-d', String(level), core.file);
    t.ok(readFileSync(ours).equals(elf), `level ${level}, as an ELF core`);
  }
}

async function checkCore(t: Test, { path }: TestCore): Promise<void> {
  const core = await openVmcore(path);
  t.teardown(() => core.close());

  await t.test('levels', (t) => compareLevels(t, core));

  await t.test('flattened, and put together by makedumpfile', async (t) => {
    await core.dump(ours, { level: 31, compression: 'none', flattened: true, force: true });
    const [command, ...line] = s390xMakedumpfile('-f', '-R', theirs);
    await run(command, line, { input: readFileSync(ours) });
    await core.dump(ours, { level: 31, compression: 'none', force: true });
    t.ok(readFileSync(theirs).equals(readFileSync(ours)));
  });

  await t.test('refiltered by makedumpfile', async (t) => {
    const compressed = join(folder, 'compressed');
    await core.dump(compressed, { level: 1, compression: 'zlib', force: true });
    const refiltered = await makedumpfile('-d', '31', compressed);
    await using first = await openVmcore(compressed);
    await first.dump(ours, { level: 31, compression: 'none', force: true });
    t.ok(readFileSync(ours).equals(refiltered));
  });

  await t.test('split, the members too', async (t) => {
    const mine = [1, 2, 3].map((part) => join(folder, `part${part}`));
    const other = mine.map((file) => `${file}-theirs`);
    await core.dump(mine, { level: 31, compression: 'none', force: true });
    const [command, ...line] = s390xMakedumpfile(
      '--message-level',
      '0',
      '-f',
      '-d',
      '31',
      '--split',
      path,
      ...other,
    );
    await run(command, line);
    await using set = await openVmcore(other);
    await core.dump(ours, { level: 31, compression: 'none', force: true });
    await reassemble(other, theirs, { force: true });
    t.ok(readFileSync(theirs).equals(readFileSync(ours)), "makedumpfile's set, put together here");
    await reassemble(mine, theirs, { force: true });
    t.ok(readFileSync(theirs).equals(readFileSync(ours)), 'ours');
    t.equal(set.arch, 's390x');
  });

  await t.test('the kernel log', async (t) => {
    const log = await makedumpfile('--dump-dmesg', path);
    const lines = core.dmesg().filter(({ text }) => text !== '');
    t.equal(lines.map((record) => `${formatRecord(record)}\n`).join(''), log.toString('latin1'));
    t.ok(lines.length > 100);
  });
}

for (const core of await s390xCores()) {
  t.test(core.name, async (t) => {
    if (oracle(t, 's390x-makedumpfile')) await checkCore(t, core);
  });
}
