// explain() says of every page what classify() decides, and why.
import { copyFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { isVmcoreError, openVmcore, PAGE_CLASSES, type PageClass, type Vmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { buildKernelCore, type KernelCoreOptions } from '../support/kernel-core.ts';
import { pagesOf, place } from '../support/page-cases.ts';
import { generations } from '../support/page-generations.ts';
import { anon, block, compound, free, type PageFields } from '../support/page-writer.ts';
import { cases6_2, cases6_12 } from './page-cases.ts';

const levels = [0, 8, 16, 31];

const words: Record<PageClass, RegExp> = {
  cache: /page cache without private data/,
  cachePrivate: /page cache with private data/,
  user: /user data/,
  free: /free/,
  hwpoison: /poison/,
  offline: /offline/,
};

async function open(t: Test, options: KernelCoreOptions): Promise<Vmcore> {
  const core = await openVmcore(buildKernelCore(options).elf);
  t.teardown(() => core.close());
  return core;
}

/** The class for which each page is left out at level 31. */
async function classes(core: Vmcore): Promise<Map<number, PageClass>> {
  const found = new Map<number, PageClass>();
  for (const name of PAGE_CLASSES) {
    for await (const { pfn, count } of core.pages({ class: name }))
      for (let i = 0; i < count; i++) found.set(pfn + i, name);
  }
  return found;
}

/** Every `step`th page is explained as it is decided. */
async function agrees(t: Test, core: Vmcore, step = 1): Promise<void> {
  const classOf = await classes(core);
  for (const level of levels) {
    const { bitmap } = await core.classify({ level });
    const wrong: string[] = [];
    for (let pfn = 0; pfn < core.maxPfn && wrong.length < 10; pfn += step) {
      const { kept, pageClass, text, head, pages } = core.explain(pfn, { level });
      const right =
        kept === bitmap.has(pfn) &&
        (level !== 31 || pageClass === classOf.get(pfn)) &&
        (pageClass === undefined || words[pageClass].test(text)) &&
        head <= pfn &&
        pfn < head + pages;
      if (!right) wrong.push(`${text} (${bitmap.has(pfn) ? 'kept' : classOf.get(pfn)})`);
    }
    t.same(wrong, [], `level ${level}`);
  }
}

t.test('pages of every kind, 6.2', async (t) =>
  agrees(t, await open(t, { pages: pagesOf(place(cases6_2)) })),
);

t.test('pages of every kind, 6.12', async (t) => {
  const options = { pages: pagesOf(place(cases6_12)), generation: generations['6.12'] };
  await agrees(t, await open(t, options));
  await agrees(t, await open(t, { ...options, vmemmap: 'scattered' }));
});

t.test('blocks of which the core lacks pages', async (t) => {
  const pages = at(1024, [...free(4), ...free(4), ...free(4)]);
  await agrees(
    t,
    await open(t, {
      pages,
      holes: [
        [1024, 1025],
        [1044, 1050],
      ],
    }),
  );
});

t.test('blocks of which struct pages can not be read', async (t) => {
  const pages = at(1024, [...free(8), ...compound(8, { flags: ['lru'], mapping: anon })]);
  for (const pfn of [1024, 1088, 1280, 1344])
    await agrees(t, await open(t, { pages, vmemmap: 'scattered', unmapped: [pfn] }));
});

t.test('blocks within blocks', async (t) => {
  const inner = [{ type: 'BUDDY', private: 2n }, { flags: ['lru'] }, { type: 'OFFLINE' }] as const;
  const pages = at(1024, [...block(4, { type: 'BUDDY', private: 4n }).slice(0, 8), ...inner]);
  await agrees(t, await open(t, { pages }));
});

t.test('the bundled core, every 7th page', async (t) => {
  const core = await openVmcore((await bundledCore()).path);
  t.teardown(() => core.close());
  await agrees(t, core, 7);
});

t.test('what it says', async (t) => {
  const pages = new Map([...at(1024, free(3)), ...at(1040, [{ flags: ['lru'], mapping: anon }])]);
  const core = await open(t, { pages });
  t.match(core.explain(1027), {
    kept: false,
    pageClass: 'free',
    head: 1024,
    pages: 8,
    text: 'pfn 1027 is left out at level 31: free or unaccepted (level 16), in a block of 8 pages from pfn 1024 on',
    structPage: { flags: 0n, mapping: 0n, mapcount: -1 },
  });
  t.match(core.explain(1040, { level: 16 }), {
    kept: true,
    pageClass: 'user',
    text: /does not leave out user data/,
  });
  t.match(core.explain(1041), { kept: true, pageClass: undefined, text: 'pfn 1041 is kept: kernel data' });
  t.match(core.explain(2 ** 40), { kept: false, text: /not in the core/ });
});

t.test('a page whose struct page can not be read', async (t) => {
  const core = await open(t, { vmemmap: 'scattered', unmapped: [1024] });
  t.match(core.explain(1030), { kept: true, structPage: undefined, text: /struct page can't be read/ });
});

t.test(
  'a core that is cut off is an error, or what was read before',
  beyondEmulation('sigbus'),
  async (t) => {
    const path = join(t.testdir(), 'core');
    copyFileSync((await bundledCore()).path, path);
    await using whole = await openVmcore((await bundledCore()).path);
    await using core = await openVmcore(path);
    core.explain(10);
    truncateSync(path, 0);
    const wrong: string[] = [];
    let failed = 0;
    for (let pfn = 10; pfn < core.maxPfn; pfn += 100) {
      try {
        const { text } = core.explain(pfn);
        if (text !== whole.explain(pfn).text) wrong.push(text);
      } catch (error) {
        if (isVmcoreError(error, 'ERR_VMCORE_FAULT') || isVmcoreError(error, 'ERR_VMCORE_TRUNCATED'))
          failed++;
        else throw error;
      }
    }
    t.same(wrong, []);
    t.ok(failed > 0, `${failed} errors`);
  },
);

t.test('what is no page frame', async (t) => {
  const core = await open(t, {});
  for (const pfn of [-1, 1.5, Number.NaN])
    t.throws(() => core.explain(pfn), { code: 'ERR_VMCORE_ARGUMENT' }, String(pfn));
  t.throws(() => core.explain(0, { level: 99 }), { code: 'ERR_VMCORE_ARGUMENT' });
});

function at(firstPfn: number, group: readonly PageFields[]): Map<number, PageFields> {
  return new Map(group.map((page, i): [number, PageFields] => [firstPfn + i, page]));
}
