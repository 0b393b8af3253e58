import t from 'tap';
import { type Option, parseArguments } from '../../lib/cli/args.ts';

const options: readonly Option[] = [
  { name: 'dump-level', short: 'd', value: 'LEVEL', help: '' },
  { name: 'zlib', short: 'c', help: '' },
  { name: 'zstd', short: 'z', help: '' },
  { name: 'message-level', value: 'N', help: '' },
];

t.test("makedumpfile's spellings of a level", async (t) => {
  for (const line of [
    '-d 31 a b',
    '-d31 a b',
    '-cd 31 a b',
    '-cd31 a b',
    'a -d 1 b -d 31',
    'a b --dump-level=31',
  ]) {
    const args = parseArguments(options, line.split(' '));
    t.equal(args.integer('dump-level', 0, 31), 31, line);
    t.strictSame(args.positionals, ['a', 'b'], line);
  }
});

t.test('the last of several options wins', async (t) => {
  t.equal(parseArguments(options, ['-c', '-z']).last('zlib', 'zstd'), 'zstd');
  t.equal(parseArguments(options, ['-zc']).last('zlib', 'zstd'), 'zlib');
  t.equal(parseArguments(options, []).last('zlib', 'zstd'), undefined);
});

t.test('-- ends the options', async (t) => {
  t.strictSame(parseArguments(options, ['-c', '--', '-z']).positionals, ['-z']);
});

t.test('what is wrong is said in a sentence', async (t) => {
  const wrong: [string[], RegExp][] = [
    [['-x'], /^Unknown option '-x'$/],
    [['--message-level'], /argument missing$/],
    [['-c=1'], /Unknown option|does not take an argument/],
  ];
  for (const [line, message] of wrong) {
    t.throws(() => parseArguments(options, line), { name: 'UsageError', message }, line.join(' '));
  }
  for (const level of ['32', '-1', '1.5', '0x1f', '', 'all']) {
    const args = parseArguments(options, [`--dump-level=${level}`]);
    t.throws(() => args.integer('dump-level', 0, 31), { name: 'UsageError' }, `level '${level}'`);
  }
});
