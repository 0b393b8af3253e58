import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { vmcore } from './command.ts';

t.setTimeout(300_000);

const core = (await bundledCore()).path;

t.test('a table of levels and compressions', async (t) => {
  const { status, stdout } = await vmcore(['estimate', '-d', '1,31', '--compression', 'none,lzo', core]);
  t.equal(status, 0);
  const rows = stdout.trim().split('\n');
  t.match(rows[0], /^level +compression +size +between +pages +sampled$/);
  t.strictSame(
    rows.slice(1).map((row) => row.trim().split(/\s+/).slice(0, 2)),
    ['1 none', '1 lzo', '31 none', '31 lzo'].map((row) => row.split(' ')),
  );
  t.ok(
    rows
      .slice(1)
      .every((row) => /^ +\d+ +\w+ +[\d.]+ MiB +[\d.]+ MiB and [\d.]+ MiB +[\d,]+ +2,048$/.test(row)),
  );
});

t.test('as JSON, of classes by name', async (t) => {
  const args = [
    'estimate',
    '--json',
    '--exclude',
    'zero,free',
    '--compression',
    'zlib',
    '--precision',
    '8',
    core,
  ];
  const { status, stdout } = await vmcore(args);
  t.equal(status, 0);
  await using opened = await openVmcore(core);
  const report = await opened.estimate({ levels: [17], compressions: ['zlib'], precision: 0.08 });
  t.strictSame(JSON.parse(stdout), JSON.parse(JSON.stringify(report)));
});

t.test('what can not be estimated', async (t) => {
  for (const args of ['-d 32', '--compression gzip', '--precision 0', '--exclude x', '--compression-level 0'])
    t.equal((await vmcore(['estimate', ...args.split(' '), core])).status, 2, args);
  const { status, stderr } = await vmcore([
    'estimate',
    '--compression',
    'lzo',
    '--compression-level',
    '3',
    core,
  ]);
  t.match({ status, stderr }, { status: 1, stderr: /level 3 of lzo/ });
});
