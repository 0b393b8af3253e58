// What VMCOREINFO says of struct page: which keys choose which rule, and numbers that can not be.
import t from 'tap';
import { type PageLayout, pageLayout } from '../../lib/kernel/page-layout.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';
import { type Generation, generations, pageInfo } from '../support/page-generations.ts';

/** `changed` lines come first, and the first line of a key counts; keys in `without` are left out. */
function layout(
  generation: Generation,
  changed: readonly string[] = [],
  without: readonly string[] = [],
): PageLayout {
  const lines = pageInfo(generation).filter((line) => !without.includes(line.split('=', 1)[0]!));
  return pageLayout(new Vmcoreinfo(['OSRELEASE=x', 'PAGESIZE=4096', ...changed, ...lines].join('\n')));
}

const rules: [keyof typeof generations, PageLayout['order'], PageLayout['hugetlb']][] = [
  [
    '3.10',
    { from: 'field', field: { offset: 40, bytes: 8 } },
    { by: 'dtor', field: { offset: 32, bytes: 8 }, value: 0xffffffff81234560n },
  ],
  [
    '4.4',
    { from: 'field', field: { offset: 42, bytes: 2 } },
    { by: 'dtor', field: { offset: 40, bytes: 2 }, value: 2n },
  ],
  [
    '4.9',
    { from: 'field', field: { offset: 44, bytes: 4 } },
    { by: 'dtor', field: { offset: 40, bytes: 4 }, value: 2n },
  ],
  [
    '6.2',
    { from: 'field', field: { offset: 17, bytes: 1 } },
    { by: 'dtor', field: { offset: 16, bytes: 1 }, value: 2n },
  ],
  [
    '6.4',
    { from: 'field', field: { offset: 17, bytes: 1 } },
    { by: 'dtor', field: { offset: 16, bytes: 1 }, value: 2n },
  ],
  ['6.6', { from: 'flags' }, { by: 'flag', bit: 8 }],
  ['6.10', { from: 'flags' }, { by: 'type', value: 0xfbffffff }],
  ['6.12', { from: 'flags' }, { by: 'type', value: 0xf4000000 }],
];

for (const [release, order, hugetlb] of rules) {
  t.test(`${release}: where the order is, and what tells hugetlb`, async (t) => {
    const found = layout(generations[release]);
    t.same(found.order, order);
    t.same(found.hugetlb, hugetlb);
  });
}

t.test('page types are 32-bit patterns', async (t) => {
  const { buddyType, offlineType, slabType, unacceptedType } = layout(generations['6.12']);
  t.same(
    [buddyType, offlineType, slabType, unacceptedType],
    [0xf0000000, 0xf1000000, 0xf5000000, 0xf7000000],
  );
  t.equal(layout(generations['6.2']).buddyType, 0xffffff7f);
  t.equal(layout(generations['6.2']).slabType, undefined);
});

t.test('flags without a key are not made up', async (t) => {
  t.equal(layout(generations['6.12']).slabFlag, undefined);
  const bare = layout(
    generations['6.2'],
    [],
    ['NUMBER(PG_swapbacked)', 'NUMBER(PG_hwpoison)', 'NUMBER(PG_slab)'],
  );
  t.same([bare.swapbacked, bare.hwpoison, bare.slabFlag], [undefined, undefined, undefined]);
});

t.test('a kernel without hugetlb pages does not say where the order is since 6.6', async (t) => {
  const { order, hugetlb } = layout(generations['6.6'], [], ['NUMBER(PG_hugetlb)']);
  t.same([order, hugetlb], [undefined, undefined], 'its lru list holds something else');
});

t.test('compound_head has another name since 7.1', async (t) => {
  const found = layout(generations['6.12'], ['OFFSET(page.compound_info)=8'], ['OFFSET(page.compound_head)']);
  t.equal(found.compoundHead, 8);
});

t.test('what old kernels do not export', async (t) => {
  const found = layout(generations['3.10'], [], ['NUMBER(PG_head_mask)', 'LENGTH(zone.free_area)']);
  t.equal(found.headMask, 1 << 14);
  t.equal(found.freeOrders, 11);
});

t.test('keys without which no page can be judged', async (t) => {
  for (const key of [
    'SIZE(page)',
    'OFFSET(page.flags)',
    'OFFSET(page.mapping)',
    'OFFSET(page._mapcount)',
    'NUMBER(PG_lru)',
    'NUMBER(PG_private)',
    'NUMBER(PG_swapcache)',
  ]) {
    const error = { code: 'ERR_VMCORE_NO_VMCOREINFO', message: new RegExp(key.replace(/[()]/g, '\\$&')) };
    t.throws(() => layout(generations['6.2'], [], [key]), error, key);
  }
});

t.test('numbers that can not be', async (t) => {
  for (const line of [
    'SIZE(page)=0',
    'SIZE(page)=60',
    'SIZE(page)=4096',
    'OFFSET(page.flags)=4',
    'OFFSET(page.flags)=64',
    'OFFSET(page.mapping)=60',
    'OFFSET(page._mapcount)=62',
    'OFFSET(page._mapcount)=64',
    'OFFSET(page.private)=100000',
    'OFFSET(page.compound_head)=1',
    'OFFSET(page.compound_order)=64',
    'OFFSET(page.compound_dtor)=100000',
    'OFFSET(folio._folio_order)=3',
    'OFFSET(folio._folio_dtor)=128',
    'NUMBER(PG_lru)=64',
    'NUMBER(PG_private)=-1',
    'NUMBER(PG_slab)=64',
    'NUMBER(PG_hwpoison)=1000000',
    'NUMBER(PG_buddy)=-5',
    'NUMBER(PG_head_mask)=-65536',
    'LENGTH(zone.free_area)=0',
    'LENGTH(zone.free_area)=64',
  ]) {
    t.throws(() => layout(generations['6.2'], [line]), { code: 'ERR_VMCORE_CORRUPT' }, line);
  }
  t.throws(() => layout(generations['6.6'], ['NUMBER(PG_hugetlb)=77']), { code: 'ERR_VMCORE_CORRUPT' });
  t.throws(() => layout(generations['3.10'], ['OFFSET(page.lru)=48']), { code: 'ERR_VMCORE_CORRUPT' });
});
