// x86_64 page tables: what addresses lead to, and where walks end that lead nowhere.
import t from 'tap';
import { x86_64 } from '../../lib/arch/x86_64.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';
import { LEAF, type LeafSize } from '../support/page-table-builder.ts';
import { address, machine } from './machine.ts';

const gib = 2 ** 30;
const inPage = { '4K': 0xabc, '2M': 0x1abcde, '1G': 0x3abcdef0 } as const;

for (const levels of [4, 5] as const) {
  for (const leaf of ['4K', '2M', '1G'] as const) {
    t.test(`${levels} levels, a page of ${leaf}`, async (t) => {
      const { tables, space } = machine({ levels });
      const vaddr = address(levels === 5 ? [511, 273, 1, 2, 3] : [273, 1, 2, 3]);
      const start = vaddr & ~BigInt(2 ** LEAF[leaf] - 1);
      tables.map(start, 7 * gib, leaf);
      const offset = inPage[leaf];
      t.same(space.translate(start + BigInt(offset)), {
        paddr: 7 * gib + offset,
        contiguous: 2 ** LEAF[leaf] - offset,
      });
      t.equal(space.translate(start).paddr, 7 * gib, 'again, from what is remembered');
      t.equal(space.translate(start + BigInt(2 ** LEAF[leaf] - 1)).contiguous, 1);
    });
  }
}

t.test('the highest address', async (t) => {
  const { tables, space } = machine();
  tables.map(0xfffffffffffff000n, 0x5000, '4K');
  t.same(space.translate(0xffffffffffffffffn), { paddr: 0x5fff, contiguous: 1 });
});

t.test('the encryption bit and the bits beside the address are no part of it', async (t) => {
  const smeMask = 1n << 47n;
  const { memory, tables, space } = machine({ smeMask });
  const large = address([300, 0, 0, 0]);
  tables.map(large, 2 * gib, '2M');
  const entry = tables.entryAddress(large, 21);
  memory.setU64(entry, memory.u64(entry) | (1n << 63n) | (1n << 58n) | (1n << 12n)); // NX, a software bit, PAT
  t.equal(space.translate(large).paddr, 2 * gib);
  const small = address([301, 0, 0, 0]);
  tables.map(small, 0xffff_ffff_f000, '4K');
  t.equal(space.translate(small).paddr, 0x7fff_ffff_f000, 'the bit is masked from 4 KiB pages too');
});

/** Where a walk ends, by the level whose entry is not present. */
const ends: [levels: 4 | 5, level: string, shift: number, index: number][] = [
  [4, 'PGD', 39, 273],
  [4, 'PUD', 30, 1],
  [4, 'PMD', 21, 2],
  [4, 'PTE', 12, 3],
  [5, 'PGD', 48, 511],
  [5, 'P4D', 39, 273],
];

for (const [levels, level, shift, index] of ends) {
  t.test(`${levels} levels: nothing mapped at ${level}`, async (t) => {
    const { memory, tables, space } = machine({ levels });
    const vaddr = address(levels === 5 ? [511, 273, 1, 2, 3] : [273, 1, 2, 3]);
    memory.setU64(tables.entryAddress(vaddr, shift), 0xdeadbee0n);
    const error = {
      code: 'ERR_VMCORE_UNMAPPED',
      address: vaddr,
      message: new RegExp(`${vaddr.toString(16)} .*${level} entry ${index} is not present \\(0xdeadbee0\\)`),
    };
    t.throws(() => space.translate(vaddr), error);
    t.throws(() => space.translate(vaddr), error, 'and again, from what is remembered');
  });

  t.test(`${levels} levels: the table of ${level} is not in the core`, async (t) => {
    if (level === 'PGD') return t.pass('it is in every core that can be translated');
    const { memory, tables, space } = machine({ levels });
    const vaddr = address(levels === 5 ? [511, 273, 1, 2, 3] : [273, 1, 2, 3]);
    memory.setU64(tables.entryAddress(vaddr, shift + 9), BigInt(3 * gib) | 0x63n);
    const entry = 3 * gib + index * 8;
    const error = {
      code: 'ERR_VMCORE_NOT_PRESENT',
      address: entry,
      message: new RegExp(`${vaddr.toString(16)}.*${level} .*${index} .*0x${entry.toString(16)}`),
    };
    t.throws(() => space.translate(vaddr), error);
    t.throws(() => [...space.walk(vaddr)], error);
  });
}

t.test('an entry that is marked large where there are no large pages is a table', async (t) => {
  const { memory, tables, space } = machine();
  const vaddr = address([300, 0, 0, 0]);
  tables.map(vaddr, 0x5000, '4K');
  const top = tables.entryAddress(vaddr, 39);
  memory.setU64(top, memory.u64(top) | 0x80n);
  t.equal(space.translate(vaddr).paddr, 0x5000);
});

t.test('addresses that are not canonical', async (t) => {
  const refused = (levels: 4 | 5, vaddr: bigint) =>
    t.throws(() => machine({ levels }).space.translate(vaddr), {
      code: 'ERR_VMCORE_UNMAPPED',
      address: vaddr,
      message: /not canonical/,
    });
  refused(4, 0x0000800000000000n);
  refused(4, 0xffff7fffffffffffn);
  refused(4, 0xff11000000000000n);
  refused(5, 0x0100000000000000n);
  refused(5, 0xfeffffffffffffffn);
  t.throws(() => [...machine().space.walk(0x0000800000000000n)], { code: 'ERR_VMCORE_UNMAPPED' });
});

t.test('walk() shows every entry to the leaf', async (t) => {
  const { memory, tables, space } = machine();
  const vaddr = address([273, 1, 2, 3], 0x123);
  tables.map(vaddr & ~0xfffn, 0x5000, '4K');
  const steps = [...space.walk(vaddr)];
  t.same(
    steps.map(({ level, index }) => [level, index]),
    [
      ['PGD', 273],
      ['PUD', 1],
      ['PMD', 2],
      ['PTE', 3],
    ],
  );
  t.equal(steps[0]!.entryAddress, tables.root + 273 * 8);
  t.ok(steps.every(({ entry, entryAddress }) => entry === memory.u64(entryAddress)));
  t.equal(steps[3]!.entry & 0xffffff000n, 0x5000n);
});

t.test('walk() ends at a large page, or where nothing is mapped', async (t) => {
  const { tables, space } = machine();
  tables.map(address([273, 1, 2, 0]), 2 * gib, '2M');
  const levelsOf = (vaddr: bigint) => [...space.walk(vaddr)].map(({ level }) => level);
  t.same(levelsOf(address([273, 1, 2, 3])), ['PGD', 'PUD', 'PMD']);
  t.same(levelsOf(address([273, 1, 3, 3])), ['PGD', 'PUD', 'PMD']);
  t.same(levelsOf(address([274, 1, 3, 3])), ['PGD']);
});

t.test('neighbours cost an entry, pages of the same large page none', async (t) => {
  for (const [leaf, entries] of [
    ['4K', 1],
    ['2M', 0],
  ] as [LeafSize, number][]) {
    const { tables, space, reads } = machine();
    const vaddr = address([273, 1, 2, 0]);
    tables.mapRange(vaddr, 2 * gib, leaf === '4K' ? 8192 : 4096, leaf);
    space.translate(vaddr);
    const before = reads();
    space.translate(vaddr + 4096n);
    t.equal(reads() - before, entries, leaf);
  }
});

t.test('without a top table in VMCOREINFO there are no page tables', async (t) => {
  const facts = (line: string) => new Vmcoreinfo(`OSRELEASE=x\nPAGESIZE=4096\n${line}\n`);
  const tablesOf = (line: string) => x86_64.pageTables(facts(line), 0, () => 0n);
  t.equal(tablesOf(''), undefined);
  t.equal(tablesOf('SYMBOL(init_top_pgt)=1000'), undefined, 'below the kernel');
  t.ok(tablesOf('SYMBOL(init_level4_pgt)=ffffffff81001000'), 'its name before 4.13');
});

t.test('phys_base comes from VMCOREINFO, else from the segment of the image', async (t) => {
  const image = [
    { vaddr: 0xffff888000000000n, paddr: 0 },
    { vaddr: 0xffffffffb5000000n, paddr: undefined },
    { vaddr: 0xffffffffb5000000n, paddr: 0x1000000 },
  ];
  const facts = new Vmcoreinfo('OSRELEASE=x\nPAGESIZE=4096\nNUMBER(phys_base)=-54525952\n');
  t.equal(x86_64.physBase(facts, image), -54525952);
  t.equal(x86_64.physBase(undefined, image), 0x1000000 - 0x35000000);
  t.equal(x86_64.physBase(undefined, []), 0);
});
