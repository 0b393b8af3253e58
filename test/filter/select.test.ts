// Functions that keep or drop pages whatever the level says: held against a model that decides page by page.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import {
  type Classification,
  openVmcore,
  PAGE_CLASSES,
  type PageVerdict,
  type SelectableRange,
  type SelectPages,
} from '../../lib/index.ts';
import { mappingsOf } from '../native/support.ts';
import { bit } from '../support/bits.ts';
import { bundledCore } from '../support/cores.ts';
import { readKdump } from '../support/kdump-file.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { pagesOf, place } from '../support/page-cases.ts';
import { generations } from '../support/page-generations.ts';
import { cases6_12 } from './page-cases.ts';

const bundled = await openVmcore((await bundledCore()).path);
t.teardown(() => bundled.close());

/** What is selected, by the model: each page has its class at the level, and a verdict of its own. */
function model(plain: Classification, verdictOf: (pfn: number) => PageVerdict): number[] {
  const keeps = (pfn: number) => {
    const poisoned = (['hwpoison', 'offline'] as const).some((name) => plain.collected.get(name)!.has(pfn));
    const dropped = PAGE_CLASSES.some((name) => plain.collected.get(name)!.has(pfn));
    if (poisoned || !(dropped || plain.bitmap.has(pfn))) return false;
    return (verdictOf(pfn) ?? (dropped ? 'drop' : 'keep')) === 'keep';
  };
  return Array.from({ length: plain.bitmap.pages }, (_, pfn) => pfn).filter(keeps);
}

const verdict = fc.constantFrom('keep' as const, 'drop' as const, undefined);

t.test('any verdicts for any parts of any ranges, as a model has it', async (t) => {
  const { elf } = buildKernelCore({
    pages: pagesOf(place(cases6_12)),
    generation: generations['6.12'],
    holes: [[100, 200]],
  });
  const core = await openVmcore(elf);
  t.teardown(() => core.close());
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 31 }),
      fc.array(verdict, { minLength: 1, maxLength: 7 }),
      fc.integer({ min: 1, max: 50 }),
      async (level, verdicts, length) => {
        const verdictOf = (pfn: number) => verdicts[Math.floor(pfn / length) % verdicts.length];
        const select = ({ pfn, count }: SelectableRange) => ({
          verdict: verdictOf(pfn),
          count: Math.min(count, length - (pfn % length)),
        });
        const plain = await core.classify({ level, collect: PAGE_CLASSES });
        const chosen = await core.classify({ level, select });
        const kept = [...chosen.bitmap.runs()].flatMap(([pfn, n]) =>
          Array.from({ length: n }, (_, i) => pfn + i),
        );
        t.strictSame(kept, model(plain, verdictOf));
        const { original, absent, counts, deselected } = chosen;
        const left = PAGE_CLASSES.reduce((sum, name) => sum + counts[name], 0);
        t.equal(original, absent + left + deselected + kept.length, 'every page is counted once');
      },
    ),
    { numRuns: 60 },
  );
});

t.test('it is asked about runs, ascending, each of one class, and never about poison', async (t) => {
  const asked: SelectableRange[] = [];
  const plain = await bundled.classify({ collect: PAGE_CLASSES });
  await bundled.classify({ select: (range) => void asked.push(range) });
  const pages = asked.reduce((sum, { count }) => sum + count, 0);
  t.equal(pages, plain.original - plain.absent - plain.counts.hwpoison - plain.counts.offline);
  t.ok(asked.length < pages / 3, `${asked.length} calls for ${pages} pages`);
  asked.slice(1).forEach(({ pfn }, i) => {
    if (pfn < asked[i]!.pfn + asked[i]!.count) t.fail(`${pfn} comes late`);
  });
  t.ok(asked.some((range) => range.class === 'user') && asked.some((range) => range.class === undefined));
});

t.test('the classes that are asked for are collected, and have what is counted for them', async (t) => {
  const select: SelectPages = ({ class: name, pfn, count }) => {
    if (name === 'user') return 'keep';
    return name === 'free' && pfn % 3 === 0 ? { verdict: 'keep', count: Math.ceil(count / 2) } : undefined;
  };
  const collect = ['user', 'free', 'hwpoison'] as const;
  const plain = await bundled.classify({ collect });
  const { counts, collected, bitmap } = await bundled.classify({ select, collect });
  t.same(new Set(collected.keys()), new Set(collect));
  for (const name of collect) t.equal(collected.get(name)!.count(), counts[name], name);
  t.equal(counts.user, 0);
  t.ok(counts.free > 0 && counts.free < plain.counts.free);
  for (const [pfn, count] of collected.get('free')!.runs()) t.equal(bitmap.count(pfn, pfn + count), 0);
  t.equal((await bundled.classify({ select })).collected.size, 0);
});

t.test('a dump has what was kept, and not what was dropped', async (t) => {
  const path = join(t.testdir(), 'dump');
  const select: SelectPages = (range) => {
    if (range.class === 'user') return 'keep';
    return range.class === undefined && range.pfn < 2048
      ? { verdict: 'drop', count: Math.min(16, range.count) }
      : undefined;
  };
  const plain = await bundled.classify({ collect: ['user'] });
  const report = await bundled.dump(path, { compression: 'none', select });
  t.equal(report.excluded.user, 0);
  t.ok(report.deselected > 16);
  t.equal(report.written, plain.kept + plain.counts.user - report.deselected);
  const dump = readKdump(path);
  for (const [pfn, count] of plain.collected.get('user')!.runs())
    for (let i = 0; i < count; i++) if (!bit(dump.bitmap2, pfn + i)) t.fail(`${pfn + i} was kept`);
});

t.test('an ELF core has none of what was dropped, not even in short runs between what is kept', async (t) => {
  const path = join(t.testdir(), 'dump');
  const dropped = [300, 301, 700];
  const select: SelectPages = ({ pfn, count }) => {
    const next = dropped.find((one) => one >= pfn && one < pfn + count);
    if (next === undefined) return undefined;
    return next === pfn ? { verdict: 'drop', count: 1 } : { verdict: undefined, count: next - pfn };
  };
  await bundled.dump(path, { format: 'elf', level: 0, select });
  await using core = await openVmcore(path, { excluded: 'error' });
  for (const pfn of dropped) {
    t.throws(() => core.readPhysical(pfn * core.pageSize, 16), { code: 'ERR_VMCORE_EXCLUDED' });
    const next = (pfn + 2) * core.pageSize;
    t.same(core.readPhysical(next, core.pageSize), bundled.readPhysical(next, core.pageSize));
  }
});

const broken: Record<string, [SelectPages, RegExp]> = {
  throws: [
    () => {
      throw new RangeError('no such pages');
    },
    /asked about pfns \d+ to \d+ \(from 0x[0-9a-f]+ on\), threw: no such pages/,
  ],
  'is async': [(async () => 'keep') as never, /a promise: it must not be async/],
  'answers nonsense': [(() => true) as never, /answered true/],
  'answers for no page': [() => ({ verdict: 'keep', count: 0 }), /answered for 0 pages/],
  'answers for too many': [({ count }) => ({ verdict: 'keep', count: count + 1 }), /answered for \d+ pages/],
};

for (const [what, [select, message]] of Object.entries(broken)) {
  t.test(`a function that ${what} ends the dump, with nothing mapped or written`, async (t) => {
    const path = join(t.testdir(), 'dump');
    const core = await openVmcore((await bundledCore()).path, { access: 'mmap' });
    t.teardown(() => core.close());
    await core.dump(join(t.testdir(), 'warm'), { level: 31, compression: 'none' });
    const before = mappingsOf(core.file);
    const asked: number[] = [];
    const failing: SelectPages = (range) => {
      asked.push(range.pfn);
      return asked.length > 20 ? select(range) : undefined;
    };
    const expected = { code: 'ERR_VMCORE_SELECT', message, ...(what === 'throws' && { cause: RangeError }) };
    const error: unknown = await core.dump(path, { select: failing }).catch((reason: unknown) => reason);
    t.match(error, expected);
    t.match(error, { address: asked.at(-1)! * core.pageSize });
    t.equal(asked.length, 21, 'it is not asked again');
    t.notOk(existsSync(path));
    t.equal(mappingsOf(core.file), before);
    t.match(await core.classify({ level: 0 }), { deselected: 0 }, 'the core is as good as before');
  });
}

t.test('a slow function can be interrupted, and the event loop runs on', async (t) => {
  const controller = new AbortController();
  let calls = 0;
  const slow: SelectPages = () => {
    calls++;
    for (const end = performance.now() + 5; performance.now() < end; );
    return undefined;
  };
  setTimeout(() => controller.abort(new Error('enough')), 50);
  await t.rejects(bundled.classify({ select: slow, signal: controller.signal }), { message: 'enough' });
  t.ok(calls < 100, `${calls} calls`);
});
