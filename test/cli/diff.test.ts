import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { tinyCore } from '../output/tiny-core.ts';
import { vmcore } from './command.ts';

t.setTimeout(120_000);

const folder = t.testdir();
const at = (name: string) => join(folder, name);

t.before(async () => {
  writeFileSync(at('core'), tinyCore());
  const changed = tinyCore();
  changed[changed.length - 1]! ^= 1;
  writeFileSync(at('changed'), changed);
  await using core = await openVmcore(at('core'));
  await core.dump(at('dump'), { level: 0, compression: 'zlib' });
  let first = true;
  const dropFirst = () => {
    const verdict = first ? ('drop' as const) : undefined;
    first = false;
    return { verdict, count: 1 };
  };
  await core.dump(at('less'), { level: 0, select: dropFirst });
  await core.dump([at('a'), at('b')], { level: 0, compression: 'zlib', splitBlockBytes: 64 * 4096 });
});

t.test('equal', async (t) => {
  const { status, stdout } = await vmcore(['diff', at('core'), at('dump')]);
  t.equal(status, 0);
  t.match(stdout, /^no page differs\nthe same +([\d,]+) of \1 pages that both have\n$/);
  t.equal((await vmcore(['diff', at('core'), at('b'), '-b', at('a')])).status, 0, 'with a set');
  t.equal((await vmcore(['diff', '-a', at('a'), at('b'), at('core')])).status, 0, 'of a set');
});

t.test('different', async (t) => {
  const { status, stdout } = await vmcore(['diff', at('core'), at('changed')]);
  t.equal(status, 1);
  t.match(stdout, /other bytes +1 pages: 1 other\n.*\n +pfn \d+: other bytes \(other\)\n$/);
  const json = await vmcore(['diff', '--json', at('changed'), at('dump')]);
  t.equal(json.status, 1);
  t.match(JSON.parse(json.stdout), {
    a: at('changed'),
    equal: false,
    counts: { content: { pages: 1 } },
    rangeCount: 1,
  });
});

t.test('what was left out', async (t) => {
  const { status, stdout } = await vmcore(['diff', '-n', '0', at('core'), at('less')]);
  t.equal(status, 1);
  t.match(stdout, /left out in B +1 pages: 1 (zero|other)\n/);
  t.equal((await vmcore(['diff', '--common', at('core'), at('less')])).status, 0);
});

t.test('only the status', async (t) => {
  t.strictSame(await vmcore(['diff', '-q', at('core'), at('changed')]), {
    status: 1,
    stdout: '',
    stderr: '',
  });
});

t.test('failures are no differences', async (t) => {
  t.match(await vmcore(['diff', at('core'), at('absent')]), { status: 2, stderr: /absent/ });
  t.match(await vmcore(['diff', at('core'), at('a')]), {
    status: 2,
    stderr: /a member of the split set is missing/,
  });
  t.equal((await vmcore(['diff', at('core')])).status, 2);
  t.match(
    (await vmcore(['diff', '--help'])).stdout,
    /1 +they differ\n +2 +it failed, .*; standard error says why/,
  );
});
