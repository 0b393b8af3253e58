import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { vmcore } from './command.ts';

t.setTimeout(120_000);

const folder = t.testdir();
const at = (name: string) => join(folder, name);

t.before(async () => {
  await using core = await openVmcore((await bundledCore()).path);
  await core.dump(at('dump'), { compression: 'zlib' });
  await core.dump([at('a'), at('b')], { compression: 'zlib' });
  copyFileSync(at('dump'), at('short'));
  truncateSync(at('short'), 1_000_000);
  copyFileSync(at('dump'), at('odd'));
  writeFileSync(at('odd'), 'something else', { flag: 'a' });
  writeFileSync(at('text'), 'this is no dump at all, but some text');
});

t.test('complete', async (t) => {
  const { status, stdout } = await vmcore(['verify', at('dump')]);
  t.equal(status, 0);
  t.match(stdout, /dump: complete: [\d.]+ MiB, 16,789 pages \(kdump\)\n$/);
  t.equal((await vmcore(['verify', at('b'), at('a')])).status, 0, 'a set');
});

t.test('incomplete', async (t) => {
  const { status, stdout } = await vmcore(['verify', at('short')]);
  t.equal(status, 3);
  t.match(
    stdout,
    /short: incomplete: .* of them missing .*\n {2}pfn \d+ and [\d,]+ more: the file ends before its data/,
  );
  t.match(await vmcore(['verify', at('b')]), { status: 3, stdout: /a member of the split set is missing/ });
});

t.test('damaged', async (t) => {
  const { status, stdout } = await vmcore(['verify', '--json', at('odd')]);
  t.equal(status, 4);
  t.match(JSON.parse(stdout), { state: 'damaged', problems: [{ reason: /14 bytes behind its last page/ }] });
});

t.test('only the status', async (t) => {
  t.strictSame(await vmcore(['verify', '-q', at('short')]), { status: 3, stdout: '', stderr: '' });
});

t.test('failures', async (t) => {
  t.match(await vmcore(['verify', at('text')]), { status: 1, stderr: /no core of a known format/ });
  t.match(await vmcore(['verify', at('absent')]), { status: 1, stderr: /absent/ });
  t.match(await vmcore(['verify', at('a'), at('dump')]), { status: 1, stderr: /whole dump/ });
  t.equal((await vmcore(['verify'])).status, 2);
  t.match((await vmcore(['verify', '--help'])).stdout, /3 +the dump is incomplete\n +4 +the dump is damaged/);
});
