import t from 'tap';
import { type CoreDiff, type OpenOptions, openVmcore, PAGE_DIFFERENCES } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { buildElfCore, EM_S390, pattern } from '../support/elf-builder.ts';
import { buildKdump } from '../support/kdump-builder.ts';

t.setTimeout(300_000);

const PAGE = 4096;
const page = (seed: number) => pattern(PAGE, seed);
const zeros = new Uint8Array(PAGE);

async function diff(a: Uint8Array, b: Uint8Array, options = {}, how: OpenOptions = {}): Promise<CoreDiff> {
  await using coreA = await openVmcore(a, how);
  await using coreB = await openVmcore(b, how);
  return await coreA.diff(coreB, options);
}

/** Only what is not 0. */
function pagesOf({ counts }: CoreDiff): Record<string, number> {
  const all = PAGE_DIFFERENCES.map((name) => [name, counts[name].pages] as const);
  return Object.fromEntries(all.filter(([, pages]) => pages > 0));
}

const elf = buildElfCore({
  segments: [
    { paddr: PAGE, data: Buffer.concat([page(1), page(2), page(3), zeros]), memSize: 6 * PAGE },
    { paddr: 20 * PAGE, data: page(20) },
  ],
});
const kdump = buildKdump({
  maxMapnr: 31,
  littleEndian: false,
  machine: 's390x',
  compression: (pfn) => (pfn % 2 ? 'zlib' : 'lzo'),
  pages: new Map([
    [1, page(1)],
    [2, page(99)],
    [3, null],
    [4, null],
    [5, page(5)],
    [6, zeros],
    [30, page(30)],
  ]),
});

t.test('every way in which pages differ, of an ELF core and a big-endian kdump-compressed one', async (t) => {
  const found = await diff(elf, kdump);
  t.strictSame(found.ranges, [
    { pfn: 2, count: 1, difference: 'content', class: 'other' },
    { pfn: 3, count: 1, difference: 'excludedInB', class: 'other' },
    { pfn: 4, count: 1, difference: 'excludedInB', class: 'zero' },
    { pfn: 5, count: 1, difference: 'excludedInA', class: 'other' },
    { pfn: 6, count: 1, difference: 'excludedInA', class: 'zero' },
    { pfn: 20, count: 1, difference: 'onlyInA', class: 'other' },
    { pfn: 30, count: 1, difference: 'onlyInB', class: 'other' },
  ]);
  t.match(found, { equal: false, compared: 2, same: 1, rangeCount: 7, pageSize: PAGE });
  t.match(found.counts.excludedInB, { pages: 2, classes: { zero: 1, other: 1, free: 0 } });
  t.match(found.classProblem, /VMCOREINFO/);
});

t.test('the other way round', async (t) => {
  const { content, excludedInA, excludedInB, onlyInA, onlyInB } = (await diff(elf, kdump)).counts;
  t.match((await diff(kdump, elf)).counts, {
    content,
    excludedInA: excludedInB,
    excludedInB: excludedInA,
    onlyInA: onlyInB,
    onlyInB: onlyInA,
  });
});

t.test('nothing differs from itself', async (t) => {
  t.match(await diff(kdump, kdump), { equal: true, compared: 5, same: 5, ranges: [], rangeCount: 0 });
});

t.test('only what both have', async (t) => {
  const found = await diff(elf, kdump, { common: true });
  t.match(found, { equal: false, compared: 2, same: 1, ranges: [{ pfn: 2 }], rangeCount: 1 });
});

t.test('as many ranges as asked for; counts are of all', async (t) => {
  const found = await diff(elf, kdump, { ranges: 2 });
  t.match(found, { ranges: [{ pfn: 2 }, { pfn: 3 }], rangeCount: 7, counts: { onlyInB: { pages: 1 } } });
  t.equal(found.ranges.length, 2);
  await t.rejects(diff(elf, kdump, { ranges: -1 }), { code: 'ERR_VMCORE_ARGUMENT' });
});

t.test('neighbours that differ alike are one range, over chunks of any length', async (t) => {
  const data = (change: number) =>
    Buffer.concat(Array.from({ length: 300 }, (_, pfn) => page(pfn + (pfn >= 50 && pfn < 250 ? change : 0))));
  const core = (change: number, machine?: number) =>
    buildElfCore({
      segments: [{ paddr: 0, data: data(change) }],
      ...(machine && { machine, littleEndian: false }),
    });
  const found = await diff(core(0), core(1000, EM_S390));
  t.match(found, { compared: 300, same: 100, ranges: [{ pfn: 50, count: 200 }], rangeCount: 1 });
});

t.test('pages of which only a part is there: the rest is zeros', async (t) => {
  const whole = page(1);
  whole.fill(0, 0, 96);
  whole.fill(0, 4000);
  const part = buildElfCore({
    align: 1,
    segments: [{ paddr: PAGE + 96, data: whole.subarray(96, 4000) }],
  });
  t.match(await diff(part, buildElfCore({ segments: [{ paddr: PAGE, data: whole }] })), {
    equal: true,
    compared: 1,
  });
});

t.test('pages that can not be read are no pages that are the same', async (t) => {
  const damaged = buildKdump({
    maxMapnr: 4,
    status: 8,
    pages: new Map([1, 2, 3].map((pfn) => [pfn, page(pfn)])),
    descriptor: (pfn, at) =>
      pfn === 1 ? { ...at, offset: 0 } : pfn === 2 ? { ...at, flags: 1, size: 100 } : at,
  });
  const found = await diff(elf, damaged, { common: true });
  t.match(found, { compared: 1, same: 1, ranges: [{ pfn: 1, count: 2, difference: 'unreadable' }] });
  const zero = await diff(
    buildElfCore({ segments: [{ paddr: PAGE, data: zeros }] }),
    damaged,
    {},
    { excluded: 'zeros' },
  );
  t.strictSame(pagesOf(zero), { onlyInB: 2 }, 'lost pages that read as zeros are zeros');
});

t.test('pages of different sizes are compared in the smaller ones', async (t) => {
  const large = buildKdump({
    maxMapnr: 2,
    blockSize: 4 * PAGE,
    pages: new Map([[1, Buffer.concat([4, 5, 6, 7].map(page))]]),
  });
  const small = buildElfCore({ segments: [{ paddr: 4 * PAGE, data: Buffer.concat([4, 5, 66].map(page)) }] });
  const found = await diff(large, small);
  t.match(found, {
    pageSize: PAGE,
    compared: 3,
    same: 2,
    ranges: [
      { pfn: 6, difference: 'content' },
      { pfn: 7, difference: 'onlyInA' },
    ],
  });
});

t.test('a real core and its dumps: what a level leaves out, by class', async (t) => {
  const folder = t.testdir();
  await using core = await openVmcore((await bundledCore()).path);
  const report = await core.dump(`${folder}/kdump`, { level: 31, compression: 'zlib' });
  await core.dump(`${folder}/elf`, { level: 31, format: 'elf' });
  await using dump = await openVmcore(`${folder}/kdump`);
  const found = await core.diff(dump);
  const { cache, cachePrivate, user, free } = report.excluded;
  t.strictSame(pagesOf(found), { excludedInB: cache + cachePrivate + user + free });
  t.match(found.counts.excludedInB.classes, { cache, cachePrivate, user, free, zero: 0, other: 0 });
  t.match(found, { compared: report.written, same: report.written, classProblem: undefined });
  t.match(await core.diff(dump, { common: true }), { equal: true });
  await using elfDump = await openVmcore(`${folder}/elf`);
  const { counts, same } = await elfDump.diff(dump);
  t.equal(counts.content.pages + counts.onlyInA.pages + counts.onlyInB.pages, 0);
  t.equal(
    counts.excludedInA.pages,
    counts.excludedInA.classes.zero,
    'ELF cores leave out long runs of zeros',
  );
  t.equal(same + counts.excludedInA.pages, report.written);
});

t.test('progress, abort and close, with turns for the event loop', async (t) => {
  await using a = await openVmcore((await bundledCore()).path);
  await using b = await openVmcore((await bundledCore()).path);
  const seen: string[] = [];
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await a.diff(b, {
    onProgress: ({ phase, pages, totalPages }) => seen.push(`${phase} ${pages === totalPages}`),
  });
  clearInterval(timer);
  t.ok(turns > 3, `${turns} turns`);
  t.equal(seen.at(-1), 'compare true');
  const reason = new Error('enough');
  await t.rejects(a.diff(b, { signal: AbortSignal.abort(reason) }), reason);
  const running = a.diff(b);
  await b.close();
  await t.rejects(running, { code: 'ERR_VMCORE_CLOSED' });
  await t.rejects(a.diff(b), { code: 'ERR_VMCORE_CLOSED' });
  // @ts-expect-error: for callers without types
  await t.rejects(a.diff('core'), { code: 'ERR_VMCORE_ARGUMENT' });
});
