// Where the struct pages are: each reading of SYMBOL(mem_section), holes, and what a broken kernel may have there.
import t from 'tap';
import { findMemMap } from '../../lib/kernel/mem-map.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';
import { VirtualMemory } from '../../lib/memory/virtual.ts';
import { FakeSpace, physicalMemory } from '../memory/fake-space.ts';

const page = 4096;
const kernel = 0xffff888000000000n;
/** Pages of this little kernel: struct pages, root array, two roots, a variable. */
const at = { mapped: 0n, roots: 4096n, first: 8192n, second: 12288n, variable: 16384n };
const perSection = 32768;
const perRoot = 128; // mem_section of 32 bytes
const present = 0b11n; // SECTION_MARKED_PRESENT, SECTION_HAS_MEM_MAP
/** vmemmap begins there, as section_mem_map has it in every section. */
const vmemmap = kernel + at.mapped;

interface Shape {
  readonly littleEndian?: boolean;
  /** Words by their offset in the kernel. */
  readonly words: readonly (readonly [bigint, bigint])[];
  readonly lines?: readonly string[];
  readonly maxPfn?: number;
  readonly symbol?: bigint;
}

function find({ littleEndian = true, words, lines = [], maxPfn = 4 * perSection, symbol = at.roots }: Shape) {
  const bytes = new Uint8Array(5 * page);
  const view = new DataView(bytes.buffer);
  for (const [offset, word] of words) view.setBigUint64(Number(offset), word, littleEndian);
  const physical = physicalMemory(bytes, [{ start: 0, end: bytes.length, offset: 0 }], littleEndian);
  const pages = Array.from({ length: 5 }, (_, i): [bigint, number] => [kernel + BigInt(i * page), i * page]);
  const memory = new VirtualMemory(physical, new FakeSpace(new Map(pages)), littleEndian);
  const info = new Vmcoreinfo(
    [
      'OSRELEASE=6.2',
      'PAGESIZE=4096',
      ...lines, // the first line of a key counts
      'SIZE(page)=64',
      'SIZE(mem_section)=32',
      'OFFSET(mem_section.section_mem_map)=0',
      'NUMBER(SECTION_SIZE_BITS)=27',
      `SYMBOL(mem_section)=${(kernel + symbol).toString(16)}`,
    ].join('\n'),
  );
  return findMemMap(memory, info, 'x86_64', maxPfn);
}

/** mem_section entries of a root, or of the flat array, by number. */
function sections(start: bigint, entries: Readonly<Record<number, bigint>>): [bigint, bigint][] {
  return Object.entries(entries).map(([number, word]) => [start + BigInt(number) * 32n, word]);
}

function range(section: number, endPfn = (section + 1) * perSection) {
  const firstPfn = section * perSection;
  return { firstPfn, endPfn, address: vmemmap + BigInt(firstPfn * 64) };
}

const roots: [bigint, bigint][] = [[at.roots, kernel + at.first]];
const twoSections = sections(at.first, { 0: vmemmap | present, 1: vmemmap | present });

t.test('SPARSEMEM_EXTREME: the symbol is the array of roots', async (t) => {
  t.match(find({ words: [...roots, ...twoSections] }), {
    model: 'sparsemem-extreme',
    ranges: [range(0), range(1)],
    endPfn: 2 * perSection,
    unreadable: 0,
  });
});

t.test('SPARSEMEM_EXTREME: the symbol is a pointer to the array', async (t) => {
  const words: [bigint, bigint][] = [[at.variable, kernel + at.roots], ...roots, ...twoSections];
  t.match(find({ words, symbol: at.variable }), { model: 'sparsemem-extreme', ranges: [range(0), range(1)] });
});

t.test('SPARSEMEM: the symbol is the array of sections', async (t) => {
  const words = sections(at.first, { 0: vmemmap | present, 2: vmemmap | present });
  t.match(find({ words, symbol: at.first }), { model: 'sparsemem', ranges: [range(0), range(2)] });
});

t.test('FLATMEM: the symbol is a pointer to the mem_map', async (t) => {
  const lines = [`SYMBOL(mem_section)=0`, `SYMBOL(mem_map)=${(kernel + at.variable).toString(16)}`];
  t.match(find({ words: [[at.variable, vmemmap]], lines, maxPfn: 1000 }), {
    model: 'flatmem',
    ranges: [{ firstPfn: 0, endPfn: 1000, address: vmemmap }],
    endPfn: 1000,
  });
  for (const pointer of [0n, 0x1234n, kernel + 0x100000n]) {
    const nowhere = () => find({ words: [[at.variable, pointer]], lines });
    t.throws(nowhere, { code: 'ERR_VMCORE_CORRUPT' }, `a pointer to ${pointer.toString(16)}`);
  }
});

t.test('a big-endian kernel', async (t) => {
  const words = [...roots, ...twoSections];
  t.match(find({ words, littleEndian: false }), { ranges: [range(0), range(1)] });
});

t.test('sections of other roots', async (t) => {
  const far = perRoot + 3;
  const second: [bigint, bigint] = [at.roots + 8n, kernel + at.second];
  const words = [...roots, second, ...twoSections, ...sections(at.second, { 3: vmemmap | present })];
  const { ranges } = find({ words, maxPfn: 2 * perRoot * perSection });
  t.same(ranges, [range(0), range(1), range(far)]);
});

t.test('holes: no root, section not present, or without its mem_map', async (t) => {
  const offset = BigInt(perRoot * perSection * 64);
  const words: [bigint, bigint][] = [
    [at.roots + 8n, kernel + at.second], // and no first root
    ...sections(at.second, { 0: (vmemmap - offset) | present, 1: 0n, 2: vmemmap | 1n, 3: vmemmap | 2n }),
  ];
  const { ranges } = find({ words, maxPfn: 2 * perRoot * perSection });
  const firstPfn = perRoot * perSection;
  t.same(ranges, [{ firstPfn, endPfn: firstPfn + perSection, address: vmemmap }]);
});

t.test('every flag that kernels have had is no part of the address', async (t) => {
  const words = [...roots, ...sections(at.first, { 0: vmemmap | 0b111111n })];
  t.same(find({ words }).ranges, [range(0)]);
});

t.test('the last section ends with memory', async (t) => {
  const { ranges, endPfn } = find({ words: [...roots, ...twoSections], maxPfn: perSection + 100 });
  t.same(ranges, [range(0), range(1, perSection + 100)]);
  t.equal(endPfn, perSection + 100);
});

t.test('a root that can not be read makes its pages unreadable, and no more', async (t) => {
  const broken: [bigint, bigint] = [at.roots + 8n, 0xdead000000000000n];
  const found = find({ words: [...roots, broken, ...twoSections], maxPfn: (perRoot + 10) * perSection });
  t.same(found.ranges, [range(0), range(1)]);
  t.equal(found.unreadable, 10 * perSection);
  t.equal(found.endPfn, (perRoot + 10) * perSection, 'they still may be memory');
});

t.test('a section whose mem_map is no kernel address makes its pages unreadable', async (t) => {
  const second = vmemmap - BigInt(perSection * 64);
  const words = [...roots, ...sections(at.first, { 0: 0x1000n | present, 1: second | present })];
  const found = find({ words, maxPfn: 2 * perSection });
  t.same(found.ranges, [{ firstPfn: perSection, endPfn: 2 * perSection, address: vmemmap }]);
  t.equal(found.unreadable, perSection);
});

t.test('a first section whose struct pages are missing does not make the others so', async (t) => {
  const far = kernel + 0x10000000n;
  const second = vmemmap - BigInt(perSection * 64);
  const words = [...roots, ...sections(at.first, { 0: far | present, 1: second | present })];
  t.equal(find({ words }).ranges.length, 2);
});

t.test('what is no mem_section at all', async (t) => {
  const corrupt = { code: 'ERR_VMCORE_CORRUPT', address: kernel + at.roots };
  t.throws(() => find({ words: [] }), corrupt, 'zeros');
  const noise = Array.from({ length: 512 }, (_, i): [bigint, bigint] => [
    at.roots + BigInt(i * 8),
    (BigInt(i + 1) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn,
  ]);
  t.throws(() => find({ words: noise, maxPfn: 2 ** 24 }), corrupt, 'noise');
  t.throws(() => find({ words: [], symbol: 0x123456000n }), { code: 'ERR_VMCORE_CORRUPT' }, 'not mapped');
});

t.test('numbers that can not be', async (t) => {
  const words = [...roots, ...twoSections];
  for (const line of [
    'SIZE(mem_section)=0',
    'SIZE(mem_section)=4',
    'SIZE(mem_section)=5000',
    'SIZE(mem_section)=33',
    'OFFSET(mem_section.section_mem_map)=30',
    'OFFSET(mem_section.section_mem_map)=-8',
    'NUMBER(SECTION_SIZE_BITS)=-1',
    'NUMBER(SECTION_SIZE_BITS)=5',
    'NUMBER(SECTION_SIZE_BITS)=60',
    'SIZE(page)=0',
  ]) {
    t.throws(() => find({ words, lines: [line] }), { code: 'ERR_VMCORE_CORRUPT' }, line);
  }
});

t.test('more sections than any machine has are not read', async (t) => {
  const lines = ['NUMBER(SECTION_SIZE_BITS)=12', 'SIZE(mem_section)=8'];
  t.throws(() => find({ words: roots, lines, maxPfn: 2 ** 40 }), { code: 'ERR_VMCORE_CORRUPT' });
});

t.test('keys that are missing', async (t) => {
  const memory = new VirtualMemory(physicalMemory(new Uint8Array(0), []), new FakeSpace(new Map()), true);
  const missing = (...lines: string[]) => {
    const info = new Vmcoreinfo(['OSRELEASE=6.2', 'PAGESIZE=4096', ...lines].join('\n'));
    t.throws(() => findMemMap(memory, info, 'x86_64', 1), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  };
  missing();
  missing('SYMBOL(mem_section)=ffffffff81000000');
  missing('SYMBOL(mem_section)=ffffffff81000000', 'SIZE(mem_section)=32', 'SIZE(page)=64');
});
