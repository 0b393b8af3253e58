// What this library and makedumpfile write is complete; what they leave behind when the disk is full is not.
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codecs, openVmcore, verifyDump } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore } from '../support/cores.ts';
import { oracle, programs, run } from '../support/oracles.ts';

t.setTimeout(300_000);

const core = await openVmcore((await bundledCore()).path);
t.teardown(() => core.close());
const complete = { state: 'complete', problems: [], lostPages: 0, damagedPages: 0 };

t.test('cores themselves', async (t) => {
  t.match(await verifyDump(core.file), { ...complete, format: 'elf64' });
  t.match(await verifyDump((await bundledS390xCore()).path), { ...complete, format: 'elf64' });
});

t.test('big-endian, and with nothing left out', async (t) => {
  const folder = t.testdir();
  await using s390x = await openVmcore((await bundledS390xCore()).path);
  await s390x.dump(join(folder, 's390x'), { level: 31, compression: 'zlib' });
  t.match(await verifyDump(join(folder, 's390x')), { ...complete, format: 'kdump' });
  await core.dump(join(folder, 'raw'), { level: 0, compression: 'none' });
  t.match(await verifyDump(join(folder, 'raw')), { ...complete, format: 'kdump' });
});

for (const level of [1, 31]) {
  t.test(`our own, level ${level}`, async (t) => {
    const folder = t.testdir();
    for (const compression of ['none', 'zlib', 'zstd', 'lzo', 'snappy'] as const) {
      if (compression !== 'none' && !codecs()[compression].available) continue;
      const file = join(folder, compression);
      const { written, zero, bytes } = await core.dump(file, { level, compression });
      const expected = { ...complete, format: 'kdump', pages: written, zeroPages: zero, bytes };
      t.match(await verifyDump(file), expected, compression);
    }
    const members = ['a', 'b', 'c'].map((name) => join(folder, name));
    await core.dump(members, { level, compression: 'zlib' });
    t.match(await verifyDump(members.toReversed()), { ...complete, files: members.toReversed() }, 'split');
    const lacking = { state: 'incomplete', problems: [{ reason: /a member of the split set is missing/ }] };
    t.match(await verifyDump(members.slice(1)), lacking);
    await core.dump(join(folder, 'flat'), { level, flattened: true });
    t.match(await verifyDump(join(folder, 'flat')), { ...complete, format: 'kdump', flattened: true });
    await core.dump(join(folder, 'elf'), { level, format: 'elf' });
    t.match(await verifyDump(join(folder, 'elf')), { ...complete, format: 'elf64' });
    await core.dump(join(folder, 'flat.elf'), { level, format: 'elf', flattened: true });
    t.match(await verifyDump(join(folder, 'flat.elf')), { ...complete, format: 'elf64', flattened: true });
  });
}

t.test("makedumpfile's", async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const folder = t.testdir();
  for (const level of ['0', '1', '31']) {
    const options = ['--message-level=0', '-E', ...(level === '0' ? [] : ['-c', '-l', '-p', '-z'])];
    for (const option of options) {
      const file = join(folder, `${level}${option}`);
      await run(programs.makedumpfile, [option, '-d', level, core.file, file]);
      t.match(await verifyDump(file), complete, `-d ${level} ${option}`);
    }
    const members = ['a', 'b'].map((name) => join(folder, `${name}${level}`));
    await run(programs.makedumpfile, ['--split', '-d', level, core.file, ...members]);
    t.match(await verifyDump(members), complete, `-d ${level} --split`);
    const flat = join(folder, `${level}.flat`);
    await run('sh', ['-c', `${programs.makedumpfile} -F -d ${level} ${core.file} > ${flat}`]);
    t.match(await verifyDump(flat), { ...complete, flattened: true }, `-d ${level} -F`);
  }
});

t.test("makedumpfile's, of a disk that was full", async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const folder = t.testdir();
  const found: [string, string][] = [];
  for (const kib of [50, 1000, 5000]) {
    for (const option of ['', '-c', '-z', '-E', '-F']) {
      const file = join(folder, `${kib}${option}`);
      const command = `${programs.makedumpfile} ${option} -d 31 ${core.file} ${option === '-F' ? '>' : ''} ${file}`;
      await run('bash', ['-c', `trap '' XFSZ; ulimit -f ${kib}; ${command} || true`]);
      found.push([`${option} ${kib} KiB`, (await verifyDump(file)).state]);
    }
  }
  t.strictSame(
    found.filter(([, state]) => state !== 'incomplete'),
    [],
  );
});

t.test('cut off in transfer', async (t) => {
  const folder = t.testdir();
  for (const [name, options] of [
    ['kdump', { compression: 'zlib' }],
    ['flat', { compression: 'zlib', flattened: true }],
    ['elf', { format: 'elf' }],
  ] as const) {
    const file = join(folder, name);
    const { bytes, written } = await core.dump(file, { ...options, level: 31 });
    for (const part of [0.99, 0.6, 0.3, 0.01, 0.0001]) {
      truncateSync(file, Math.floor(bytes * part));
      const report = await verifyDump(file);
      t.equal(report.state, 'incomplete', `${part} of ${name}`);
      if (part > 0.5 && name !== 'flat') t.ok(report.lostPages > 0 && report.lostPages < written);
    }
  }
});

t.test('progress, and the event loop in between', async (t) => {
  const file = join(t.testdir(), 'dump');
  await core.dump(file, { level: 0, compression: 'zlib' });
  const seen: number[] = [];
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const { pages } = await verifyDump(file, { onProgress: (now) => seen.push(now.pages) });
  clearInterval(timer);
  t.equal(seen.at(-1), pages);
  t.strictSame(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  t.ok(turns > 3, `${turns} turns`);
  const controller = new AbortController();
  const reason = new Error('enough');
  const onProgress = () => controller.abort(reason);
  await t.rejects(verifyDump(file, { signal: controller.signal, onProgress }), reason);
});
