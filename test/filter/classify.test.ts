// classify() on synthetic cores: however the kernel maps its memory, the same pages are left out; and the counts add up.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openVmcore, PAGE_CLASSES, type PageClass, type Vmcore } from '../../lib/index.ts';
import { type CoreCall, injectFaults } from '../support/faulty-addon.ts';
import { buildKernelCore, type KernelCoreOptions } from '../support/kernel-core.ts';
import { pagesOf, place, tableLevels } from '../support/page-cases.ts';
import { generations } from '../support/page-generations.ts';
import { anon, compound, free, type PageFields } from '../support/page-writer.ts';
import { cases6_2, cases6_12 } from './page-cases.ts';

async function open(t: Test, options: KernelCoreOptions): Promise<Vmcore> {
  const core = await openVmcore(buildKernelCore(options).elf);
  t.teardown(() => core.close());
  return core;
}

const pages = pagesOf(place(cases6_2));

/** Runs of pages left out, below the page frames where the machine's own tables lie. */
async function dropped(core: Vmcore, level = 31): Promise<[number, number][]> {
  const { bitmap, existing } = await core.classify({ level });
  const gone = existing.copy();
  for (const [pfn, count] of bitmap.runs()) gone.clear(pfn, pfn + count);
  return [...gone.runs()];
}

const shapes: Record<string, KernelCoreOptions> = {
  'mapped by 4 KiB pages': { leaf: '4K' },
  'mapped by 1 GiB pages': { leaf: '1G' },
  '5 levels': { levels: 5 },
  'with an encryption bit in every entry': { smeMask: 1n << 47n },
  'without KASLR': { kernelOffset: 0n },
  'vmemmap scattered over 4 KiB pages': { vmemmap: 'scattered' },
  'roots of sections behind a pointer': { memoryModel: 'extreme-pointer' },
  'one array of sections': { memoryModel: 'flat-sections' },
  'no sections': { memoryModel: 'flatmem' },
  'sections of 4 MiB': { sectionBits: 22 },
  'with PT_LOADs in pieces': { holes: [[100, 101]] },
};

t.test('the same pages are left out', async (t) => {
  const expected = await dropped(await open(t, { pages }));
  t.ok(expected.length > 10);
  for (const [name, shape] of Object.entries(shapes))
    t.same(await dropped(await open(t, { ...shape, pages })), expected, name);
});

for (const size of [56, 80]) {
  t.test(`struct pages of ${size} bytes`, async (t) => {
    const expected = await dropped(await open(t, { pages }));
    const generation = { ...generations['6.2'], size };
    t.same(await dropped(await open(t, { pages, generation })), expected);
    t.same(await dropped(await open(t, { pages, generation, vmemmap: 'scattered' })), expected, 'scattered');
  });
}

t.test('every page is absent, left out for one class, or kept', async (t) => {
  const core = await open(t, { pages: pagesOf(place(cases6_12)), generation: generations['6.12'] });
  for (const level of tableLevels) {
    const { original, absent, counts, kept, bitmap, existing, unreadable } = await core.classify({ level });
    const left = PAGE_CLASSES.reduce((sum, name) => sum + counts[name], 0);
    t.equal(absent + left + kept, original, `level ${level}`);
    t.same([bitmap.count(), existing.count(), unreadable], [kept, original, 0]);
  }
});

t.test('pages() lists what classify() counts', async (t) => {
  const core = await open(t, { pages: pagesOf(place(cases6_12)), generation: generations['6.12'] });
  const { counts, bitmap } = await core.classify();
  const seen = bitmap.copy();
  for (const name of PAGE_CLASSES) {
    let listed = 0;
    for await (const { pfn, count, class: of } of core.pages({ class: name })) {
      t.equal(of, name);
      t.equal(seen.count(pfn, pfn + count), 0, 'left out, and in no other class');
      seen.set(pfn, pfn + count);
      listed += count;
    }
    t.equal(listed, counts[name], name);
  }
  t.equal(seen.count(), core.maxPfn, 'with those that are kept they are all');
});

t.test('only pages that the core has are listed', async (t) => {
  const core = await open(t, { pages: at(1024, free(4)), holes: [[1030, 1032]] });
  const { original, counts } = await core.classify();
  t.equal(original, core.maxPfn - 2);
  t.equal(counts.free, 14);
  t.same(await list(core, 'free'), [
    [1024, 6],
    [1032, 8],
  ]);
});

t.test('a block whose first page the core does not have is kept', async (t) => {
  const core = await open(t, { pages: at(1024, free(4)), holes: [[1024, 1025]] });
  t.equal((await core.classify()).counts.free, 0);
});

t.test('blocks go on across sections', async (t) => {
  const list = at(2048, compound(11, { flags: ['lru'], mapping: anon }));
  const core = await open(t, { pages: list, sectionBits: 22 });
  t.same(await dropped(core), [[2048, 2048]]);
});

t.test('sections without a mem_map are kept', async (t) => {
  const everywhere = new Map(
    Array.from({ length: 4096 }, (_, pfn) => [pfn, { flags: ['lru'] } as PageFields]),
  );
  const core = await open(t, {
    pages: everywhere,
    sectionBits: 22,
    sectionFlags: (section) => (section === 1 ? 0b1101n : 0b1111n),
  });
  t.same(await dropped(core), [
    [0, 1024],
    [2048, 2048],
  ]);
});

t.test('struct pages that can not be read: their pages are kept, and counted', async (t) => {
  const everywhere = new Map(
    Array.from({ length: 4096 }, (_, pfn) => [pfn, { flags: ['lru'] } as PageFields]),
  );
  const core = await open(t, { pages: everywhere, vmemmap: 'scattered', unmapped: [1024, 2000] });
  t.equal((await core.classify()).unreadable, 128);
  t.same(await dropped(core), [
    [0, 1024],
    [1088, 2000 - 1088 - 16],
    [2048, 2048],
  ]);
});

t.test('compound pages next to struct pages that can not be read', async (t) => {
  // Some struct pages of 56 bytes lie across a border, so that the first one behind a gap may have an odd pfn.
  const generation = { ...generations['6.2'], size: 56 };
  const pairs = Array.from({ length: 2048 }, () => compound(1, { flags: ['lru'], mapping: anon })).flat();
  const core = await open(t, { pages: at(0, pairs), generation, vmemmap: 'scattered', unmapped: [1100] });
  const { unreadable } = await core.classify();
  t.equal(unreadable, 1171 - 1097, 'those that begin or end in the page of memory from 1097.14 to 1170.29');
  t.same(
    await dropped(core),
    [
      [0, 1097],
      [1172, 4096 - 1172],
    ],
    'the head 1096 alone, then whole pairs',
  );
});

t.test('what can not be asked for', async (t) => {
  const core = await open(t, {});
  await t.rejects(core.classify({ level: 32 }), { code: 'ERR_VMCORE_ARGUMENT' });
  const noClass: string = 'zero';
  await t.rejects(core.pages({ class: noClass as PageClass }).next(), { code: 'ERR_VMCORE_ARGUMENT' });
});

t.test('an aborted classification', async (t) => {
  const core = await open(t, {});
  await t.rejects(core.classify({ signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' });
});

t.test('progress ends with every struct page', async (t) => {
  const core = await open(t, {});
  const seen: number[] = [];
  await core.classify({ onProgress: ({ pages: done, totalPages }) => seen.push(done / totalPages) });
  t.equal(seen.at(-1), 1);
});

t.test('without a mem_map only levels 0 and 1 work', async (t) => {
  const core = await open(t, {
    pages,
    info: (lines) => lines.filter((line) => !line.startsWith('SYMBOL(mem_section)')),
  });
  t.match(core.filterProblem, { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  t.equal((await core.classify({ level: 1 })).kept, core.maxPfn);
  await t.rejects(core.classify({ level: 2 }), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
});

/** The path of a core in a file. */
function coreFile(t: Test, shape: KernelCoreOptions = {}): string {
  const path = join(t.testdir(), 'core');
  const pages = pagesOf(place(cases6_12));
  writeFileSync(path, buildKernelCore({ ...shape, pages, generation: generations['6.12'] }).elf);
  return path;
}

/** A core whose reads fail where `fails` says so. */
async function openFailing(t: Test, fails: (call: CoreCall) => boolean, path = coreFile(t)): Promise<Vmcore> {
  using _ = injectFaults({ pread: (call) => (fails(call) ? 'EIO' : undefined) });
  const core = await openVmcore(path, { access: 'read' });
  t.teardown(() => core.close());
  return core;
}

/** The shortest read, with which every attempt to read something ends that fails: longer ones are halved. In bytes. */
const SHORTEST_READ = 4096;
/** A look for the mem_map tries three ways to find it. */
const READS_OF_LOOK = 3;

t.test('a disk that fails while the mem_map is looked for is asked again', async (t) => {
  let fails = false;
  const core = await openFailing(t, () => fails);
  fails = true;
  t.match(core.filterProblem, { code: 'ERR_VMCORE_IO', file: core.file });
  await t.rejects(core.classify({ level: 31 }), { code: 'ERR_VMCORE_IO' });
  t.throws(() => core.explain(10), { code: 'ERR_VMCORE_IO' });
  fails = false;
  t.equal(core.filterProblem, undefined);
  t.ok((await core.classify({ level: 31 })).counts.user > 0);
});

/** A core that opened, on a disk that from now on fails until so many looks for the mem_map have. */
async function openFailingFor(t: Test, looks: number): Promise<{ core: Vmcore; left: () => number }> {
  let left = 0;
  const fails = ({ length }: CoreCall) => left > 0 && (length > SHORTEST_READ || left-- > 0);
  const core = await openFailing(t, fails);
  left = looks * READS_OF_LOOK;
  return { core, left: () => left };
}

t.test('a disk that fails once: level 0 leaves out poisoned pages', async (t) => {
  const { core, left } = await openFailingFor(t, 1);
  t.ok((await core.classify({ level: 0 })).counts.hwpoison > 0);
  t.equal(left(), 0);
});

t.test('a disk that fails longer: level 0 keeps everything, and what comes later does not', async (t) => {
  const { core, left } = await openFailingFor(t, 2);
  t.equal((await core.classify({ level: 0 })).kept, core.maxPfn);
  t.equal(left(), 0);
  t.ok((await core.classify({ level: 0 })).counts.hwpoison > 0);
  t.same(core.explain(0), (await openFailing(t, () => false)).explain(0));
});

t.test('what is decided at the beginning of a dump holds for all of it', async (t) => {
  for (const options of [{ format: 'elf' }, {}] as const) {
    const { core } = await openFailingFor(t, 2);
    const { written, complete, warnings } = await core.dump(join(t.testdirName, 'dump'), {
      ...options,
      level: 0,
      force: true,
    });
    t.strictSame({ written, complete }, { written: core.maxPfn, complete: true });
    t.match(warnings, [/poisoned and offline pages could not be left out: .*EIO/]);
  }
});

t.test('an estimate of a core whose disk fails has the levels that work', async (t) => {
  for (const [looks, levels, warned] of [
    [2, [0, 1, 31], 0],
    [4, [0, 1], 1],
  ] as const) {
    const { core, left } = await openFailingFor(t, looks);
    const { sizes, warnings } = await core.estimate({ compressions: ['none'] });
    t.equal(left(), 0);
    t.strictSame([sizes.map(({ level }) => level), warnings.length], [levels, warned]);
  }
  const { core } = await openFailingFor(t, 2);
  const given = await core.estimate({ levels: [0], compressions: ['none'] });
  t.match(given.warnings, [/could not be left out/]);
});

t.test('one read that fails while the mem_map is looked for changes nothing', async (t) => {
  // Two pages of mem_section.
  const path = coreFile(t, { sectionBits: 18, memoryPages: 16384 });
  const read = new Set<number>();
  const note = ({ position, length }: CoreCall) => {
    for (let at = position; at < position + length; at += SHORTEST_READ) read.add(at);
    return false;
  };
  const clean = await openFailing(t, note, path);
  read.clear();
  t.equal(clean.filterProblem, undefined);
  const pages = [...read];
  t.ok(pages.length > 5, `${pages.length} pages`);
  const { counts } = await clean.classify({ level: 31 });
  // Not all that a read brings along is needed.
  let failed = 0;
  for (const page of pages) {
    let left = 0;
    const covers = ({ position, length }: CoreCall) => position <= page && page < position + length;
    const fails = (call: CoreCall) => left > 0 && covers(call) && (call.length > SHORTEST_READ || left-- > 0);
    const core = await openFailing(t, fails, path);
    left = 1;
    t.equal(core.filterProblem, undefined);
    if (left === 0) failed++;
    left = 0;
    t.strictSame((await core.classify({ level: 31 })).counts, counts, `the page at ${page}`);
  }
  t.ok(failed > 5, `${failed} pages failed`);
});

function at(firstPfn: number, group: readonly PageFields[]): Map<number, PageFields> {
  return new Map(group.map((page, i): [number, PageFields] => [firstPfn + i, page]));
}

async function list(core: Vmcore, pageClass: PageClass): Promise<[number, number][]> {
  const runs: [number, number][] = [];
  for await (const { pfn, count } of core.pages({ class: pageClass })) runs.push([pfn, count]);
  return runs;
}
