// `vmcore makedumpfile` in place of makedumpfile: the same command lines, exit status and bytes.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseArguments, UsageError } from '../../lib/cli/args.ts';
import { makedumpfile as command } from '../../lib/cli/makedumpfile.ts';
import { Output } from '../../lib/cli/output.ts';
import { bundledCore } from '../support/cores.ts';
import { ElfCore } from '../support/elf-core.ts';
import { absent, oracle, programs, run } from '../support/oracles.ts';
import { makedumpfile, type RunOptions, vmcore } from './command.ts';

t.setTimeout(300_000);

const core = (await bundledCore()).path;
const folder = t.testdir();
const at = (name: string) => join(folder, name);

function ours(args: readonly string[], options: RunOptions = {}) {
  return vmcore(args, { ...options, program: makedumpfile });
}

/** Runs it in a shell, as scripts do, with `makedumpfile` as its name. */
function inShell(script: string) {
  const named = `makedumpfile() { ${process.execPath} ${makedumpfile} "$@"; }; set -o pipefail; ${script}`;
  return spawnSync('bash', ['-c', named], { encoding: 'utf8' });
}

/** The exit status for a command line that is only checked, without a process for each. */
async function statusOf(args: readonly string[]): Promise<number> {
  const context = { signal: new AbortController().signal, output: new Output() };
  try {
    await command.run(parseArguments(command.options, args), context);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.exitStatus ?? command.usageStatus!;
  }
}

async function succeeds(t: Test, line: string): Promise<void> {
  const { status, stderr } = await ours(line.split(' '));
  t.equal(status, 0, `${line}: ${stderr}`);
}

t.test('its defaults and its bytes', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  for (const options of ['', '-d 31 ', '-E -d 31 ', '-d 17 --message-level 0 -D -b 4 --cyclic-buffer 64 ']) {
    await succeeds(t, `-f ${options}${core} ${at('ours')}`);
    await run(programs.makedumpfile, `-f ${options}${core} ${at('theirs')}`.split(' '));
    t.ok(readFileSync(at('ours')).equals(readFileSync(at('theirs'))), options || 'no options');
    t.equal(statSync(at('ours')).mode & 0o777, 0o600);
  }
});

t.test('the kernel log', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  for (const options of ['--dump-dmesg', '--dump-dmesg --partial-dmesg']) {
    await succeeds(t, `${options} -f ${core} ${at('log')}`);
    await run(programs.makedumpfile, `${options} -f ${core} ${at('their-log')}`.split(' '));
    t.ok(readFileSync(at('log')).equals(readFileSync(at('their-log'))), options);
  }
  t.equal(statSync(at('log')).mode & 0o777, 0o600);
  const again = await ours(['--dump-dmesg', core, at('log')]);
  t.match(again, { status: 1, stderr: /exists already.*\n.*-f/ });
});

t.test('as kdump-utils runs it, to a file and through a pipe', async (t) => {
  const options = '-l --message-level 7 -d 31';
  await succeeds(t, `${options} --num-threads=2 ${core} ${at('file')}`);
  const { status, stderr } = inShell(
    `makedumpfile ${options} -F ${core} | dd bs=512 of=${at('flat')} && makedumpfile -R ${at('piped')} < ${at('flat')}`,
  );
  t.equal(status, 0, stderr);
  t.ok(readFileSync(at('piped')).equals(readFileSync(at('file'))));
});

t.test('from a disk that it was saved to, as kdumpctl finds it', async (t) => {
  await succeeds(t, `-d 31 ${core} ${at('plain')}`);
  const { status } = inShell(
    `makedumpfile -F -d 31 ${core} > ${at('disk')} && truncate -s 64M ${at('disk')}`,
  );
  t.equal(status, 0);
  const attached = spawnSync('losetup', ['--find', '--show', at('disk')], { encoding: 'utf8' });
  if (attached.status !== 0) return void absent(t, 'losetup, or a loop device');
  const disk = attached.stdout.trim();
  t.teardown(() => spawnSync('losetup', ['--detach', disk]));
  const rearranged = inShell(`makedumpfile -R ${at('from-disk')} < ${disk}`);
  t.equal(rearranged.status, 0, rearranged.stderr);
  t.ok(readFileSync(at('from-disk')).equals(readFileSync(at('plain'))));
});

t.test('a stream that was cut off is no dump', async (t) => {
  const { status } = inShell(
    `makedumpfile -F -d 31 ${core} | head -c 1000000 | makedumpfile -R ${at('cut')}`,
  );
  t.equal(status, 1);
});

t.test('split, and made one again', async (t) => {
  const set = [at('a'), at('b')].join(' ');
  await succeeds(t, `-c -d 31 --split ${core} ${set}`);
  await succeeds(t, `--reassemble ${set} ${at('whole')}`);
  await succeeds(t, `-c -d 31 ${core} ${at('one')}`);
  t.ok(readFileSync(at('whole')).equals(readFileSync(at('one'))));
});

t.test('it accepts and refuses what makedumpfile does', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const lines = `
    vmcore dump | vmcore dump another | vmcore | | -F vmcore | -F vmcore dump | -c vmcore -d 1 dump | -k vmcore dump
    -l --message-level 7 -d 31 vmcore dump | -cd31 vmcore dump | -F -c -d 31 vmcore | -E -d 31 vmcore dump
    -d 1,31 vmcore dump | -d 33 vmcore dump | -z -d 31 -L 2G vmcore dump | -L 0 vmcore dump
    -E -c vmcore dump | -x vmlinux vmcore dump | --non-mmap vmcore dump | --num-threads 4 -c vmcore dump
    -R dump | -R | -R vmcore dump | -R -d 31 dump | -R -F dump | --bogus vmcore dump | --reassemble a b dump
    --split vmcore a b | --split vmcore a | --split -F vmcore a b | --split -E vmcore a b | --reassemble --dry-run a b c
    --dump-dmesg vmcore log | --dump-dmesg vmcore | --dump-dmesg --partial-dmesg vmcore log
    --mem-usage kcore | --mem-usage | -f --mem-usage kcore | --mem-usage --partial-dmesg kcore | -i info -x vmlinux vmcore dump
    --message-level 32 vmcore dump | -i info -d 31 vmcore dump
    --partial-dmesg vmcore dump | --dump-dmesg --dry-run vmcore log
    -g info -x vmlinux | -g info | -g info -x vmlinux vmcore | -g info -x vmlinux -d 0 | -g info -x vmlinux -d 1
    -g info -x vmlinux -c | -g info -x vmlinux -l | -g info -x vmlinux -z | -g info -x vmlinux -E | -g info -x vmlinux -F
    -g info -x vmlinux -R | -g info -x vmlinux -i other | -g info -x vmlinux --dry-run | -g info -x vmlinux -X`.split(
    / +\| |\n +/,
  );
  for (const line of lines) {
    const args = ['--check-params', ...line.split(' ').filter((word) => word !== '')];
    const theirs = spawnSync(programs.makedumpfile, args).status;
    t.equal(await statusOf(args), theirs, `'${line}'`);
  }
  t.equal(
    await statusOf(['-d', 'x', 'vmcore', 'dump']),
    1,
    'and a level that is none, which makedumpfile takes for 0',
  );
  t.equal(
    await statusOf(['--check-params', '--vtop', 'x', 'vmcore', 'dump']),
    1,
    'and what would end the dump later',
  );
  t.match(await ours(['--check-params', 'vmcore', 'dump']), { status: 0, stdout: '', stderr: '' });
  t.match(await ours(['--check-params', 'vmcore']), { status: 1, stdout: '', stderr: /VMCORE DUMPFILE/ });
  t.match(await ours(['--bogus', 'vmcore', 'dump']), { status: 1, stdout: '', stderr: /'--bogus'/ });
});

t.test('its help tells its own exit status', async (t) => {
  const { status, stdout } = await ours(['-h']);
  t.equal(status, 0);
  t.match(stdout, /^Usage: vmcore-makedumpfile \[OPTION\]/);
  t.match(stdout, /^ {2}1 +it failed, or the command line is wrong.*\n {2}2 +VMCOREINFO/m);
});

t.test('what is not done is an error, and nothing is written', async (t) => {
  const lines = '-e|-X|--config rules|--eppic script|--diskset=a'.split('|');
  for (const options of lines) {
    const { status, stderr } = await ours([...options.split(' '), core, at('never')]);
    t.equal(status, 1, options);
    t.ok(stderr.includes(`${options.split(/[ =]/)[0]} is not done`), stderr);
  }
  t.notOk(existsSync(at('never')));
});

t.test('exit status 2: VMCOREINFO of another kernel', async (t) => {
  const elf = new ElfCore(core);
  t.teardown(() => elf.close());
  const text = elf.vmcoreinfo;
  writeFileSync(at('vmcoreinfo'), text);
  await succeeds(t, `-i ${at('vmcoreinfo')} -d 31 --dry-run ${core} ${at('never')}`);
  writeFileSync(at('vmcoreinfo'), text.replace(/^OSRELEASE=.*$/m, 'OSRELEASE=5.10.0-1-amd64'));
  for (const command of [`-d 31 ${core} ${at('never')}`, `--dump-dmesg ${core} ${at('never')}`]) {
    const { status, stderr } = await ours(['-i', at('vmcoreinfo'), ...command.split(' ')]);
    t.match(
      { status, stderr },
      { status: 2, stderr: /is of kernel 5\.10\.0-1-amd64: this is the memory of 6\.1/ },
    );
  }
  t.notOk(existsSync(at('never')));
});
