import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { saveText } from '../../lib/cli/save-text.ts';

t.test('a new file, readable by its owner only', async (t) => {
  const file = join(t.testdir(), 'log');
  await saveText(file, 'text\n', false);
  t.equal(readFileSync(file, 'utf8'), 'text\n');
  t.equal(statSync(file).mode & 0o777, 0o600);
  await t.rejects(saveText(file, 'other\n', false), { code: 'ERR_VMCORE_EXISTS', message: /exists already/ });
  t.equal(readFileSync(file, 'utf8'), 'text\n');
});

t.test('one that others may read is replaced by one that they may not', async (t) => {
  const folder = t.testdir({ log: 'before\n' });
  const file = join(folder, 'log');
  chmodSync(file, 0o644);
  const before = statSync(file).ino;
  await saveText(file, 'text\n', true);
  t.equal(readFileSync(file, 'utf8'), 'text\n');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.not(statSync(file).ino, before, 'who has the old one open does not see it');
  t.strictSame(readdirSync(folder), ['log']);
});

t.test('links are not followed, and a failure leaves nothing', async (t) => {
  const folder = t.testdir({ target: 'target' });
  const file = join(folder, 'log');
  symlinkSync('target', file);
  for (const force of [false, true]) {
    await t.rejects(saveText(file, 'text\n', force), { code: 'ERR_VMCORE_EXISTS' });
  }
  t.equal(readFileSync(join(folder, 'target'), 'utf8'), 'target');
  mkdirSync(join(folder, 'folder'));
  await t.rejects(saveText(join(folder, 'folder'), 'text\n', true), { code: 'ERR_VMCORE_OUTPUT' });
  t.strictSame(readdirSync(folder), ['folder', 'log', 'target']);
});

t.test('what is no file takes the text as it is, with force', async (t) => {
  await saveText('/dev/null', 'text\n', true);
  await t.rejects(saveText('/dev/null', 'text\n', false), { code: 'ERR_VMCORE_EXISTS' });

  const module = new URL('../../lib/cli/save-text.js', import.meta.url);
  const program = `(await import('${module}')).saveText('/dev/stdout', 'text\\n', true)`;
  const file = join(t.testdir(), 'out');
  for (const [where, stdout] of [
    ['| cat', 'text\n'],
    ['> "$2"', ''],
  ]) {
    const script = `set -o pipefail; "$0" --input-type=module -e "$1" ${where}`;
    const run = spawnSync('bash', ['-c', script, process.execPath, program, file], { encoding: 'utf8' });
    t.match(run, { status: 0, stdout, stderr: '' }, where);
  }
  t.equal(readFileSync(file, 'utf8'), 'text\n');
});
