import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { DumpTimes, PairedRuns } from '../../benchmarks/makedumpfile/pairs.ts';
import { MARGIN, ratiosOf, record, slowerThan } from '../../benchmarks/makedumpfile/recorded.ts';
import { makedumpfileVersion } from '../../benchmarks/support/makedumpfile.ts';
import { bundledCore } from '../support/cores.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { absent, root } from '../support/oracles.ts';

const times = (whole: number, classify: number): DumpTimes => ({ whole, classify });

function runs(level: number, whole: number, classify: number): PairedRuns {
  const setting = { core: '/somewhere/medium/core.elf', level, codec: 'zlib', threads: 2 } as const;
  return { ...setting, ours: [], theirs: [], limits: [], ratio: times(whole, classify) };
}

t.test('ratios are called by what was measured', async (t) => {
  t.strictSame(ratiosOf([runs(31, 0.9, 0.4), runs(0, 0.6, Number.NaN)]), {
    'medium -d 31 zlib 2 threads: whole': 0.9,
    'medium -d 31 zlib 2 threads: classify': 0.4,
    'medium -d 0 zlib 2 threads: whole': 0.6,
  });
});

t.test('a ratio may be above the recorded one by the margin', async (t) => {
  const recorded = { a: 1, b: 2 };
  t.strictSame(slowerThan(recorded, { a: 1 + MARGIN, b: 0.1 }), []);
  t.strictSame(slowerThan(recorded, { a: 1.151 }), ['a: 1.15, recorded was 1.00']);
  t.match(slowerThan(recorded, { c: 1 }), [/^c: 1\.00, and nothing is recorded/]);
});

t.test('recording keeps what was not measured again', async (t) => {
  const file = join(t.testdir(), 'recorded.json');
  record(file, { b: 1.23456, a: 1 });
  record(file, { b: 2 });
  t.equal(readFileSync(file, 'utf8'), '{\n  "a": 1,\n  "b": 2\n}\n');
});

t.test('a build of ours that became slower fails the check', beyondEmulation('speed'), async (t) => {
  if (!makedumpfileVersion()) return absent(t, 'makedumpfile') || undefined;
  const folder = t.testdir();
  const { path } = await bundledCore();
  const slow = join(folder, 'slow.mjs');
  const main = `${root}dist/bin/vmcore.js`;
  // Far more than any noise of the machine: a whole dump of this core takes a fraction of a second.
  writeFileSync(slow, `await new Promise((done) => setTimeout(done, 1500));\nawait import('${main}');\n`);
  const recorded = join(folder, 'recorded.json');
  const bench = (...options: string[]) => {
    const program = `${root}dist/benchmarks/makedumpfile/main.js`;
    const args = [
      path,
      '-d',
      '31',
      '--codecs',
      'none',
      '--recorded',
      recorded,
      '--output',
      folder,
      ...options,
    ];
    return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  };
  const first = bench('--record');
  t.equal(first.status, 0, first.stderr);
  t.match(first.stdout, /Medians of 5 pairs/);
  const second = bench('--check', '--command', slow);
  t.equal(second.status, 1, 'the check fails');
  t.match(second.stderr, /More than 15 % slower than recorded:\n.*none 0 threads: whole: /);
  t.match(bench('--check', '--pairs', '4'), { status: 2, stderr: /less than 5 pairs are noise/ });
});
