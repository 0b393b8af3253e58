// Where a dump can go from the command line, and in which form.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import t from 'tap';
import { bundledCore } from '../support/cores.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { main, vmcore } from './command.ts';

t.setTimeout(600_000);

const core = (await bundledCore()).path;
const folder = t.testdir();
const at = (name: string) => join(folder, name);

/** Runs the command with its output going where a shell sends it. */
function inShell(script: string, args: readonly string[]) {
  return vmcore(args, { wrapper: ['bash', '-c', `set -o pipefail; "$@" ${script}`, 'bash'] });
}

async function succeeds(args: readonly string[]) {
  const result = await vmcore(args);
  t.equal(result.status, 0, result.stderr);
  return result;
}

await succeeds(['dump', '-c', core, at('plain')]);
const plain = readFileSync(at('plain'));

t.test('- and -F go to standard output, and all that is said to standard error', async (t) => {
  for (const [name, args] of [
    ['dash', ['dump', '-c', core, '-']],
    ['flag', ['dump', '-c', '-F', core]],
    ['json', ['dump', '-c', '--json', core, '-']],
  ] as const) {
    const { status, stderr } = await inShell(`> ${at(name)}`, args);
    t.equal(status, 0, stderr);
    t.match(stderr, name === 'json' ? /"flattened": true/ : /^stream: .* flattened/m);
  }
  for (const name of ['flag', 'json']) t.ok(readFileSync(at(name)).equals(readFileSync(at('dash'))), name);
  await succeeds(['dump', '-c', '-F', core, at('file')]);
  t.ok(readFileSync(at('file')).equals(readFileSync(at('dash'))), '-F to a file');
});

t.test('through a pipe to unflatten', async (t) => {
  const { status, stderr } = await inShell(`| "$1" ${main} unflatten - ${at('piped')}`, [
    'dump',
    '-c',
    core,
    '-',
  ]);
  t.equal(status, 0, stderr);
  t.ok(readFileSync(at('piped')).equals(plain));
  await succeeds(['unflatten', at('file'), at('unflattened')]);
  t.ok(readFileSync(at('unflattened')).equals(plain));
});

t.test('a stream without its end', async (t) => {
  const { status } = await inShell(`| head -c 1000000 > ${at('cut')}`, ['dump', '-c', core, '-']);
  t.equal(status, 1, 'the dump fails with its reader');
  const refused = await vmcore(['unflatten', at('cut'), at('refused')]);
  t.equal(refused.status, 1);
  t.match(refused.stderr, /without an end marker/);
  t.match(refused.stderr, /is incomplete, and marked so/);
  const accepted = await vmcore(['unflatten', '--accept-truncated', at('cut'), at('accepted')]);
  t.equal(accepted.status, 1);
  t.ok(existsSync(at('accepted')));
});

t.test('SIGTERM ends a dump whose reader takes nothing', async (t) => {
  const child = spawn(process.execPath, [main, 'dump', '-c', core, '-'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
    if (/write:/.test(stderr) && !child.killed) child.kill('SIGTERM'); // a second one would kill it
  });
  const [status] = await once(child, 'exit');
  t.equal(status, 143, stderr);
});

t.test('standard output that is a terminal is refused', beyondEmulation('terminal'), async (t) => {
  if (!existsSync('/usr/bin/script')) return t.plan(0, 'no script(1)');
  const wrapper = ['bash', '-c', 'script -qec "$(printf "%q " "$@")" /dev/null', 'bash'];
  const { status, stdout } = await vmcore(['dump', core, '-'], { wrapper });
  t.equal(status, 2);
  t.match(stdout, /is a terminal/);
});

t.test('--split writes a set', async (t) => {
  const files = ['a', 'b', 'c'].map(at);
  const { stdout } = await succeeds(['dump', '-c', '--split', '--splitblock-size', '32768', core, ...files]);
  for (const file of files) {
    t.match(stdout, `${file}: `);
    t.match(readFileSync(file).toString('latin1', 0, 8), 'KDUMP   ');
    t.equal(readFileSync(file).readInt32LE(4096 + 12), 1, 'split');
  }
});

t.test('-E writes an ELF core', async (t) => {
  const { stdout } = await succeeds(['dump', '-E', core, at('elf')]);
  t.match(stdout, /ELF/);
  t.match(readFileSync(at('elf')).toString('latin1', 0, 4), '\x7fELF');
});

t.test('--dry-run tells the size and writes nothing', async (t) => {
  for (const options of [['-c'], ['-E'], ['-F', '-c']]) {
    const dry = await succeeds(['dump', '--dry-run', '--json', ...options, core, at('dry')]);
    t.notOk(existsSync(at('dry')));
    await succeeds(['dump', '-f', ...options, core, at('real')]);
    t.equal(JSON.parse(dry.stdout).bytes, statSync(at('real')).size, options.join(' '));
  }
});

t.test('a codec that is absent', async (t) => {
  if ('zstdCompressSync' in zlib) {
    return t.plan(0, 'this Node.js has zstd of its own');
  }
  writeFileSync(
    at('without-zstd.cjs'),
    `const { Module } = require('node:module');
     const load = Module._load;
     Module._load = (name, ...rest) => {
       if (name.startsWith('zstd-napi')) throw new Error('not installed');
       return load(name, ...rest);
     };`,
  );
  const env = { NODE_OPTIONS: `--require=${at('without-zstd.cjs')}` };
  const { status, stderr } = await vmcore(['dump', '-z', core, at('none-such')], { env });
  t.equal(status, 1);
  t.match(stderr, /no zstd in this process/);
  t.notOk(existsSync(at('none-such')), 'nothing is written');
  const standard = await vmcore(['dump', core, at('standard')], { env });
  t.match(standard.stdout, /zlib/, 'it is not the default then');
  const saved = await vmcore(['makedumpfile', '-z', '-d', '31', core, at('saved')], { env });
  t.match(
    saved,
    { status: 0, stdout: /zlib/, stderr: /warning: there is no zstd here/ },
    'one chance is used',
  );
});

t.test('--compression-level', async (t) => {
  await succeeds(['dump', '-c', '--compression-level', '9', core, at('smaller')]);
  t.ok(statSync(at('smaller')).size < plain.length);
});

t.test('-d 1,31 -L falls back to the level that fits', async (t) => {
  const result = await succeeds(['dump', '-c', '-d', '0,1,31', '-L', `${plain.length}`, core, at('fits')]);
  t.match(result.stderr, /no room at level 0 .+: level 31 was used/);
  t.match(result.stderr, /no room at level 1 .+: level 31 was used/);
  t.ok(readFileSync(at('fits')).equals(plain));
  const none = await vmcore(['dump', '-c', '-d', '1,31', '-L', '8M', core, at('none')]);
  t.equal(none.status, 1);
  t.match(none.stderr, /is incomplete, and marked so/);
  t.equal(statSync(at('none')).size, 8 * 2 ** 20);
});

t.test('command lines that make no sense', async (t) => {
  const lines = [
    `dump ${core}`,
    `dump ${core} a b`,
    `dump --split ${core} a`,
    `dump --split -E ${core} a b`,
    `dump -E -c ${core} a`,
    `dump -d 1,32 ${core} a`,
    `dump -d 1, ${core} a`,
    `dump -L 0 ${core} a`,
    `dump -L 5X ${core} a`,
    `unflatten ${at('file')} -`,
    'unflatten a',
  ];
  for (const line of lines) {
    const { status, stderr } = await vmcore(line.split(' '));
    t.equal(status, 2, `${line}: ${stderr}`);
  }
});
