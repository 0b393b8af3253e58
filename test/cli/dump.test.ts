import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bundledCore } from '../support/cores.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { vmcore } from './command.ts';

const core = await bundledCore();
const folder = t.testdir();
const ESCAPE = '\x1b';
let dumps = 0;

/** The name of a dump that does not exist yet. */
function fresh(): string {
  return join(folder, `dump-${dumps++}`);
}

/** disk_dump_header.status, behind signature, version, utsname and timestamp (diskdump_mod.h). */
function headerStatus(dump: string): number {
  return readFileSync(dump).readUInt32LE(424);
}
const INCOMPLETE = 8;

t.test('dump writes a complete dump and says what it did', async (t) => {
  const dump = fresh();
  const { status, stdout, stderr } = await vmcore(['dump', '-c', '-d', '31', core.path, dump]);
  t.equal(status, 0, stderr);
  t.match(stdout, dump);
  t.match(readFileSync(dump).toString('latin1', 0, 8), 'KDUMP   ');
  t.equal(headerStatus(dump) & INCOMPLETE, 0);
  t.equal(statSync(dump).mode & 0o777, 0o600);
  t.match(stderr, /^vmcore: \w+: [\d,]+ of [\d,]+ pages/m, 'plain lines of progress');
  t.notOk(stderr.includes('\r') || stderr.includes(ESCAPE), 'and no control characters');
});

t.test("makedumpfile's spellings and defaults give the same bytes", async (t) => {
  const lines = ['-c -d 31', '-cd31', '-z --dump-level=1 -d 31 -c', '-c --num-threads 2 --non-mmap'];
  const files = [];
  for (const line of lines) {
    const dump = fresh();
    const { status, stderr } = await vmcore(['dump', ...line.split(' '), core.path, dump]);
    t.equal(status, 0, stderr);
    files.push(readFileSync(dump));
  }
  for (const file of files) t.ok(file.equals(files[0]!));
});

t.test('--exclude names the classes of a level, and the last of it and -d wins', async (t) => {
  const lines: [string, number][] = [
    ['--exclude free,zero', 17],
    ['--exclude none', 0],
    ['-d 31 --exclude cache-private', 4],
    ['--exclude free -d 8', 8],
  ];
  for (const [line, level] of lines) {
    const { stdout } = await vmcore(['dump', '--json', ...line.split(' '), core.path, fresh()]);
    t.equal(JSON.parse(stdout).level, level, line);
  }
});

t.test('--json prints one object; --message-level 0 nothing else', async (t) => {
  const dump = fresh();
  const { status, stdout, stderr } = await vmcore([
    'dump',
    '--json',
    '--message-level',
    '0',
    core.path,
    dump,
  ]);
  t.equal(status, 0);
  t.equal(stderr, '');
  const report = JSON.parse(stdout);
  t.match(report, { level: 31, excluded: { free: Number, user: Number, cache: Number } });
  t.equal(report.bytes, statSync(dump).size);
});

t.test('--message-level 0 says nothing at all', async (t) => {
  const { status, stdout, stderr } = await vmcore(['dump', '--message-level', '0', core.path, fresh()]);
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

t.test('--show-stats counts pages by class', async (t) => {
  const { stdout } = await vmcore(['dump', '--show-stats', core.path, fresh()]);
  for (const row of [/^Free pages +[\d,]+/m, /^User data pages +[\d,]+/m, /^Kept +[\d,]+/m])
    t.match(stdout, row);
});

t.test('an existing output is replaced with -f only', async (t) => {
  const dump = fresh();
  writeFileSync(dump, 'precious');
  const refused = await vmcore(['dump', core.path, dump]);
  t.equal(refused.status, 1);
  t.match(refused.stderr, /exists/);
  t.match(refused.stderr, /hint: .*-f/);
  t.equal(readFileSync(dump, 'utf8'), 'precious');
  t.equal((await vmcore(['dump', '-f', core.path, dump])).status, 0);
  t.ok(statSync(dump).size > 1e6);
});

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  t.test(`${signal} ends a dump with status ${expected} and leaves it marked incomplete`, async (t) => {
    const dump = fresh();
    let sent = false;
    const { status, stderr } = await vmcore(['dump', '-c', '-d', '0', core.path, dump], {
      onStderr(text, kill) {
        if (sent || !existsSync(dump) || !/write:/.test(text)) return;
        sent = true;
        kill(signal);
      },
    });
    t.equal(status, expected, stderr);
    t.match(stderr, new RegExp(`ended by ${signal}`));
    t.match(stderr, new RegExp(`${dump} is incomplete`));
    t.equal(headerStatus(dump) & INCOMPLETE, INCOMPLETE);
  });
}

t.test('a full disk', async (t) => {
  const limited = fresh();
  const wrapper = ['bash', '-c', 'ulimit -f 2048; exec "$@"', 'bash'];
  const { status, stderr } = await vmcore(['dump', '-c', '-d', '0', core.path, limited], { wrapper });
  t.equal(status, 1);
  t.match(stderr, /^vmcore: .+\n/m);
  t.match(stderr, /incomplete/);
  t.equal(headerStatus(limited) & INCOMPLETE, INCOMPLETE);

  const device = await vmcore(['dump', '-f', core.path, '/dev/full']);
  t.equal(device.status, 1);
  t.match(device.stderr, /no space|ENOSPC/i);
});

t.test('a terminal gets one line that is redrawn', beyondEmulation('terminal'), async (t) => {
  if (!existsSync('/usr/bin/script')) return t.plan(0, 'no script(1)');
  const onTerminal = (env: Record<string, string>) => {
    const wrapper = ['bash', '-c', 'script -qec "$(printf "%q " "$@")" /dev/null', 'bash'];
    return vmcore(['dump', '-c', '-d', '0', core.path, fresh()], { wrapper, env: { TERM: 'xterm', ...env } });
  };
  const colored = await onTerminal({ NO_COLOR: '', FORCE_COLOR: '' });
  t.equal(colored.status, 0);
  t.ok(colored.stdout.split('\r').filter((line) => / pages/.test(line)).length > 3, 'it moves');
  t.ok(colored.stdout.includes(`${ESCAPE}[36m`), 'it is coloured');
  t.notOk((await onTerminal({ NO_COLOR: '1' })).stdout.includes(`${ESCAPE}[36m`));
  t.notOk((await onTerminal({ TERM: 'dumb' })).stdout.includes(ESCAPE));
});
