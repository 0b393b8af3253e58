import t from 'tap';
import { checkDumpLevel, type DumpLevel, LEVEL_CLASSES } from '../../lib/filter/dump-level.ts';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';

t.test('a dump level is an integer from 0 to 31', async (t) => {
  t.same(
    [0, 16, 31].map((level) => checkDumpLevel(level)),
    [0, 16, 31],
  );
  for (const level of [-1, 32, 1.5, Number.NaN, '31', 31n, null, 'free', {}]) {
    t.throws(() => checkDumpLevel(level), { code: 'ERR_VMCORE_ARGUMENT' }, String(level));
  }
});

t.test('or a list of classes', async (t) => {
  const levels: [readonly string[], number][] = [
    [[], 0],
    [['zero'], 1],
    [['cache'], 2],
    [['cachePrivate'], 4],
    [['user'], 8],
    [['free'], 16],
    [['free', 'zero', 'free'], 17],
    [['hwpoison', 'offline'], 0],
    [LEVEL_CLASSES, 31],
  ];
  for (const [names, level] of levels) t.equal(checkDumpLevel(names), level, names.join());
  t.equal(checkDumpLevel(undefined), 31);
  for (const names of [['Free'], ['free', 16], [undefined], ['constructor']]) {
    t.throws(() => checkDumpLevel(names), { code: 'ERR_VMCORE_ARGUMENT', message: /one of zero, cache, / });
  }
});

t.test('both spellings leave out the same pages, of which cachePrivate has all page cache', async (t) => {
  const core = await openVmcore((await bundledCore()).path);
  t.teardown(() => core.close());
  const spellings: [DumpLevel, number][] = [
    [['cachePrivate'], 4],
    [['user', 'free'], 24],
    [['zero', 'cache', 'user'], 11],
  ];
  for (const [names, level] of spellings) {
    const [byName, byNumber] = [await core.classify({ level: names }), await core.classify({ level })];
    t.equal(byName.level, level);
    t.strictSame(byName.counts, byNumber.counts);
    t.ok(Buffer.from(byName.bitmap.bytes).equals(byNumber.bitmap.bytes));
  }
  const { counts } = await core.classify({ level: ['cachePrivate'] });
  t.ok(counts.cache > 0 && counts.cachePrivate > 0);
});
