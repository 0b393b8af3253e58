import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { copyFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { bundledCore } from '../support/cores.ts';
import { beyondEmulation, nodeProgram } from '../support/emulation.ts';
import { vmcore } from './command.ts';

const folder = t.testdir({ empty: '', text: 'not a core\n'.repeat(1000), directory: {} });
const dump = join(folder, 'dump');

/** A file with the start of an ELF core and noise behind it. */
function noise(): string {
  const path = join(folder, 'noise');
  const bytes = Buffer.from('7f454c4602010100', 'hex');
  const rest = Buffer.alloc(65536, (Math.PI * 1e15).toString());
  writeFileSync(path, Buffer.concat([bytes, rest]));
  return path;
}

async function truncatedCore(): Promise<string> {
  const path = join(folder, 'truncated');
  const core = await bundledCore();
  await copyFile(core.path, path);
  await truncate(path, core.size / 2);
  return path;
}

const inputs: [what: string, path: string, code: RegExp][] = [
  ['an empty file', join(folder, 'empty'), /FORMAT/],
  ['text', join(folder, 'text'), /FORMAT/],
  ['an executable', nodeProgram, /FORMAT/],
  ['noise behind a right magic', noise(), /FORMAT|CORRUPT|TRUNCATED/],
  ['a directory', join(folder, 'directory'), /OPEN/],
  ['no file', join(folder, 'missing'), /OPEN/],
  ['a truncated core', await truncatedCore(), /TRUNCATED/],
];

for (const [what, path, code] of inputs) {
  t.test(`${what} gives one clear line, status 1 and no output file`, async (t) => {
    for (const line of [
      ['info', path],
      ['dmesg', path],
      ['dump', path, dump],
    ]) {
      const { status, stdout, stderr } = await vmcore(line);
      t.equal(status, 1, line.join(' '));
      t.equal(stdout, '');
      t.match(stderr, /^vmcore: .+\n(hint: .+\n)?$/);
      t.ok(stderr.includes(path), 'it names the file');
    }
    t.notOk(existsSync(dump));
    const { stdout } = await vmcore(['info', '--json', path]);
    t.match(JSON.parse(stdout).error.code, code);
  });
}

t.test('no permission', beyondEmulation('otherUser'), async (t) => {
  // Root may do everything: another user tries.
  const user = process.getuid?.() === 0 ? { uid: 65534 } : {};
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'x');
  chmodSync(secret, 0);
  const { status, stderr } = await vmcore(['info', secret], user);
  t.equal(status, 1);
  t.match(stderr, /^vmcore: .*(permission|EACCES)/i);

  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0o555 });
  const core = await bundledCore();
  const output = await vmcore(['dump', core.path, join(closed, 'dump')], user);
  t.equal(output.status, 1);
  t.match(output.stderr, /^vmcore: .*(permission|EACCES)/im);
});

t.test('VMCORE_DEBUG adds the stack', async (t) => {
  const { stderr } = await vmcore(['info', join(folder, 'empty')], { env: { VMCORE_DEBUG: '1' } });
  t.match(stderr, /\n\s+at /);
});
