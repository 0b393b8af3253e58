// Dumps of a big-endian core are those that makedumpfile makes on s390x, to the byte.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { formatRecord, openVmcore } from '../../lib/index.ts';
import { bundledS390xCore } from '../support/cores.ts';
import { oracle, run, s390xMakedumpfile } from '../support/oracles.ts';

t.setTimeout(300_000);

const { path } = await bundledS390xCore();
const folder = t.testdir();
const ours = join(folder, 'ours');
const theirs = join(folder, 'theirs');
const core = await openVmcore(path);
t.teardown(() => core.close());

/** Runs makedumpfile; its last argument is what it writes. */
async function makedumpfile(...args: string[]): Promise<Buffer> {
  const [command, ...line] = s390xMakedumpfile('--message-level', '0', '-f', ...args, theirs);
  await run(command, line);
  return readFileSync(theirs);
}

for (const level of [0, 1, 2, 4, 8, 16, 31]) {
  t.test(`level ${level}, stored raw`, async (t) => {
    if (!oracle(t, 's390x-makedumpfile')) return;
    await core.dump(ours, { level, compression: 'none', force: true });
    t.ok(readFileSync(ours).equals(await makedumpfile('-d', String(level), path)));
  });
  t.test(`level ${level}, as an ELF core`, async (t) => {
    if (!oracle(t, 's390x-makedumpfile')) return;
    await core.dump(ours, { level, format: 'elf', force: true });
    t.ok(readFileSync(ours).equals(await makedumpfile('-E', '-d', String(level), path)));
  });
}

t.test('flattened, and put together by makedumpfile', async (t) => {
  if (!oracle(t, 's390x-makedumpfile')) return;
  await core.dump(ours, { level: 31, compression: 'none', flattened: true, force: true });
  const [command, ...line] = s390xMakedumpfile('-f', '-R', theirs);
  await run(command, line, { input: readFileSync(ours) });
  await core.dump(ours, { level: 31, compression: 'none', force: true });
  t.ok(readFileSync(theirs).equals(readFileSync(ours)));
});

t.test('refiltered by makedumpfile', async (t) => {
  if (!oracle(t, 's390x-makedumpfile')) return;
  const compressed = join(folder, 'compressed');
  await core.dump(compressed, { level: 1, compression: 'zlib' });
  const refiltered = await makedumpfile('-d', '31', compressed);
  await using first = await openVmcore(compressed);
  await first.dump(ours, { level: 31, compression: 'none', force: true });
  t.ok(readFileSync(ours).equals(refiltered));
});

t.test('the kernel log', async (t) => {
  if (!oracle(t, 's390x-makedumpfile')) return;
  const log = await makedumpfile('--dump-dmesg', path);
  const lines = core.dmesg().filter(({ text }) => text !== '');
  t.equal(lines.map((record) => `${formatRecord(record)}\n`).join(''), log.toString('latin1'));
  t.ok(lines.length > 100);
});
