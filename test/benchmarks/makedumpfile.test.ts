import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codecOf, judgingSeconds, run } from '../../benchmarks/support/makedumpfile.ts';

t.test('it judges all pages in one step, or in cycles and those twice', async (t) => {
  const step = (seconds: string) => `Excluding unnecessary pages                       : [100.0 %] |
STEP [Checking for memory holes  ] : 0.000046 seconds
STEP [Excluding unnecessary pages] : ${seconds} seconds
STEP [Copying data               ] : 0.023804 seconds
`;
  t.equal(judgingSeconds(step('0.250000')), 0.25);
  t.equal(judgingSeconds(['1.000000', '2.000000', '4.000000', '8.000000'].map(step).join('')), 3);
  t.ok(Number.isNaN(judgingSeconds('STEP [Copying data               ] : 0.023804 seconds\n')));
});

t.test(
  'the codec of a dump is in the status of its header, in the byte order of the dead machine',
  async (t) => {
    const file = join(t.testdir(), 'dump');
    const header = (status: number, little: boolean, signature = 'KDUMP   ') => {
      const bytes = Buffer.alloc(4096);
      bytes.write(signature);
      const write = (value: number, at: number) =>
        little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
      write(status, 424);
      write(4096, 428);
      writeFileSync(file, bytes);
    };
    for (const little of [true, false]) {
      for (const [status, codec] of [
        [0, 'none'],
        [1, 'zlib'],
        [2, 'lzo'],
        [4, 'snappy'],
        [32 | 8, 'zstd'],
      ] as const) {
        header(status, little);
        t.equal(codecOf(file), codec, `${status}, ${little ? 'little' : 'big'}-endian`);
      }
    }
    header(0, true, 'DISKDUMP');
    t.throws(() => codecOf(file), /not in kdump-compressed format/);
  },
);

t.test('a program that fails is an error with what it said', async (t) => {
  t.equal(await run('sh', ['-c', 'printf "a\\rb"; printf c >&2']), 'a\nbc');
  await t.rejects(run('sh', ['-c', 'echo why >&2; exit 3']), /ended with 3:\nwhy/);
  await t.rejects(run('/nonexistent', []), { code: 'ENOENT' });
});
