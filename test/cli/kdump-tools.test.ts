// Debian's kdump-tools saves a core with this package in place of makedumpfile, by its own script.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { unflatten } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { attributes } from '../support/libkdumpfile.ts';
import { absent, labDir, oracle, programs, root, run } from '../support/oracles.ts';
import { makedumpfile } from './command.ts';

t.setTimeout(300_000);

const core = (await bundledCore()).path;
const kdumpConfig = join(labDir, '.kdump-tools/usr/sbin/kdump-config');
const cleanPath = '/usr/bin:/bin:/usr/sbin:/sbin';

/** Whether the script is there and can be shown a /proc/vmcore. */
function isPossible(t: Test): boolean {
  if (!existsSync(kdumpConfig)) return absent(t, 'kdump-tools (test/vm/fetch-kdump-tools.sh)');
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return absent(t, 'unshare --mount');
  return oracle(t, 'makedumpfile', 'libkdumpfile');
}

/** A shell script in a folder of programs. */
function program(folder: string, name: string, ...lines: string[]): void {
  writeFileSync(join(folder, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
}

/** Runs `kdump-config savecore` with what an administrator writes to /etc/default/kdump-tools; returns its folder of dumps. */
async function savecore(t: Test, ...settings: string[]): Promise<string> {
  const folder = t.testdir({ bin: {}, default: {}, crash: {}, compared: {} });
  const bin = join(folder, 'bin');
  program(bin, 'makedumpfile', `exec ${process.execPath} ${makedumpfile} "$@"`);
  // A remote host with the same files: options, the host, a command.
  program(bin, 'ssh', 'shift 3', 'exec sh -c "$*"');
  program(bin, 'scp', 'exec cp "$3" "$(echo "$4" | cut -d: -f2)"');
  program(bin, 'logger', 'true');
  const defaults = [`PATH=${bin}:${cleanPath}`, `KDUMP_COREDIR=${folder}/crash`, 'HOSTTAG=hostname'];
  writeFileSync(join(folder, 'default/kdump-tools'), `${[...defaults, ...settings].join('\n')}\n`);
  const command = ['--mount', `${root}test/support/with-vmcore.sh`, core, join(folder, 'default')];
  const { stdout, stderr } = await run('unshare', [...command, kdumpConfig, 'savecore']);
  t.match(stdout, /saved vmcore in/);
  t.notMatch(stdout + stderr, /failed/);
  const stamps = readdirSync(join(folder, 'crash'));
  t.equal(stamps.length, 1);
  return join(folder, 'crash', stamps[0]!);
}

/** What is in the folder is what makedumpfile would have made of the core. */
async function checkFiles(t: Test, folder: string, args: readonly string[]): Promise<void> {
  const names = readdirSync(folder).sort();
  t.match(names, [/^dmesg\.\d{12}$/, /^dump\.\d{12}$/]);
  t.equal(names.length, 2);
  const work = join(folder, '../../compared');
  const [dmesg, dump] = names.map((name) => join(folder, name)) as [string, string];
  const theirs = join(work, 'theirs');
  await run(programs.makedumpfile, ['--dump-dmesg', core, `${theirs}.dmesg`]);
  t.ok(readFileSync(dmesg).equals(readFileSync(`${theirs}.dmesg`)), 'the kernel log');

  const { complete } = await unflatten(dump, join(work, 'ours'));
  t.equal(complete, true);
  await run(`sh`, ['-c', `${programs.makedumpfile} -R ${work}/rearranged < ${dump}`]);
  t.ok(readFileSync(join(work, 'ours')).equals(readFileSync(join(work, 'rearranged'))), 'makedumpfile -R');
  await run(programs.makedumpfile, [...args, core, theirs]);
  t.same(await attributes(join(work, 'ours')), await attributes(theirs), 'what libkdumpfile finds in both');
  if (!args.includes('-c')) t.ok(readFileSync(join(work, 'ours')).equals(readFileSync(theirs)), 'every byte');
}

t.test('to a file, with the default arguments', async (t) => {
  if (!isPossible(t)) return;
  await checkFiles(t, await savecore(t), ['-c', '-d', '31']);
});

t.test('to a file, with MAKEDUMP_ARGS', async (t) => {
  if (!isPossible(t)) return;
  const settings = 'MAKEDUMP_ARGS="-d 17 --message-level 7 --num-threads=2"';
  await checkFiles(t, await savecore(t, settings), ['-d', '17']);
});

t.test('over ssh', async (t) => {
  if (!isPossible(t)) return;
  const folder = await savecore(t, 'SSH=root@host', 'SSH_KEY=/nowhere', 'MAKEDUMP_ARGS="-d 31"');
  await checkFiles(t, folder, ['-d', '31']);
});
