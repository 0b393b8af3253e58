import { readFileSync } from 'node:fs';
import t from 'tap';
import { vmcore } from './command.ts';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

t.test('--version and --help', async (t) => {
  for (const option of ['--version', '-v']) t.equal((await vmcore([option])).stdout, `${version}\n`);
  for (const line of [['--help'], ['-h'], ['help']]) {
    const { status, stdout, stderr } = await vmcore(line);
    t.equal(status, 0);
    t.equal(stderr, '');
    for (const command of ['info', 'dmesg', 'dump']) t.match(stdout, command);
  }
});

t.test('each command explains itself', async (t) => {
  for (const command of ['info', 'dmesg', 'dump']) {
    const { status, stdout } = await vmcore([command, '--help']);
    t.equal(status, 0);
    for (const part of [`Usage: vmcore ${command} `, 'Options:', '--json', 'Examples:', 'Exit status:']) {
      t.ok(stdout.includes(part), `${command} --help has ${part}`);
    }
    t.equal((await vmcore(['help', command])).stdout, stdout);
  }
});

t.test('a wrong command line is status 2 and a line that says why', async (t) => {
  const wrong: [string[], string][] = [
    [[], 'a command is missing'],
    [['frobnicate'], "no command 'frobnicate'"],
    [['constructor'], "no command 'constructor'"],
    [['info'], 'VMCORE is missing'],
    [['info', 'a', 'b'], "'b' is one argument too many"],
    [['info', '--frobnicate', 'a'], "Unknown option '--frobnicate'"],
    [['dump', 'a'], 'DUMPFILE is missing'],
    [['dump', '-d', '32', 'a', 'b'], "not '32'"],
    [['dump', '-d', 'x', 'a', 'b'], "not 'x'"],
    [['dump', '--num-threads', '-d', 'a', 'b'], '--num-threads'],
    [
      ['dump', '--exclude', 'free,swap', 'a', 'b'],
      "zero, cache, cache-private, user, free, hwpoison, offline or none, not 'swap'",
    ],
    [['dump', '--message-level', '99', 'a', 'b'], "not '99'"],
  ];
  for (const [line, message] of wrong) {
    const { status, stdout, stderr } = await vmcore(line);
    t.equal(status, 2, line.join(' '));
    t.equal(stdout, '');
    t.ok(stderr.startsWith('vmcore: ') && stderr.includes(message), stderr);
    t.notMatch(stderr, /\n\s+at /, 'no stack');
  }
});

t.test('--json reports a wrong command line too', async (t) => {
  const { status, stdout } = await vmcore(['info', '--json', '--frobnicate', 'core']);
  t.equal(status, 2);
  t.match(JSON.parse(stdout), { error: { message: "Unknown option '--frobnicate'" } });
});
