// s390x page tables, of 2 to 5 levels (z/Architecture Principles of Operation, Dynamic Address Translation).
import t from 'tap';
import type { AddressSpace } from '../../lib/arch/arch.ts';
import { s390x } from '../../lib/arch/s390x.ts';
import { VmcoreError } from '../../lib/errors.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';

const ROOT = 0x10000;
/** Where the tables of each level are, the page table last. */
const TABLES = { 3: 0x10000, 2: 0x14000, 1: 0x18000, 0: 0x1c000, page: 0x20000 } as const;
type TableType = 0 | 1 | 2 | 3;
const SHIFT = { 3: 53n, 2: 42n, 1: 31n, 0: 20n } as const;
const INVALID = 0x20n;
const LARGE = 0x400n;
/** TF 0 and TL 3: all of the table. */
const WHOLE = 0x03n;

function vmcoreinfo(...lines: string[]): Vmcoreinfo {
  return new Vmcoreinfo(
    ['OSRELEASE=6.1', 'PAGESIZE=4096', `SYMBOL(swapper_pg_dir)=${ROOT.toString(16)}`, ...lines].join('\n'),
  );
}

/** Tables in memory of which the rest is invalid; the topmost is of type `top`. */
class Tables {
  readonly entries = new Map<number, bigint>();
  readonly #base: (type: TableType) => number;
  readonly #top: TableType;

  constructor(top: TableType) {
    this.#top = top;
    this.#base = (type) => (type === top ? ROOT : TABLES[type]);
  }

  at(type: TableType, vaddr: bigint): number {
    return this.#base(type) + Number((vaddr >> SHIFT[type]) & 0x7ffn) * 8;
  }

  /** Entries down to the page of `vaddr`. */
  map(vaddr: bigint, paddr: bigint): this {
    for (let type = this.#top; type > 0; type--) {
      const below = BigInt(this.#base((type - 1) as TableType));
      this.entries.set(this.at(type, vaddr), below | WHOLE | (BigInt(type) << 2n));
    }
    this.entries.set(this.at(0, vaddr), BigInt(TABLES.page));
    return this.setPage(vaddr, paddr);
  }

  setPage(vaddr: bigint, entry: bigint): this {
    this.entries.set(TABLES.page + Number((vaddr >> 12n) & 0xffn) * 8, entry);
    return this;
  }

  space(facts = vmcoreinfo()): AddressSpace {
    const invalid = INVALID | (BigInt(this.#top) << 2n);
    return s390x.pageTables(facts, 0, (paddr) => this.entries.get(paddr) ?? invalid)!;
  }
}

const VADDR: Record<TableType, bigint> = {
  0: 0x1234_5678n,
  1: 0x372_1234_5678n,
  2: 0x12_0372_1234_5678n,
  3: 0xffe2_0372_1234_5678n,
};

for (const top of [0, 1, 2, 3] as const) {
  t.test(`${top + 2} levels`, async (t) => {
    const vaddr = VADDR[top];
    // Protection and no-execute change no address.
    const space = new Tables(top).map(vaddr, 0x7654_3000n | 0x300n).space();
    t.same(space.translate(vaddr), { paddr: 0x7654_3678, contiguous: 0x988 });
    const names = ['region first', 'region second', 'region third', 'segment', 'page'].slice(3 - top);
    t.same(
      [...space.walk(vaddr)].map(({ level }) => level),
      names,
      'as many as there are, by the type of the entries',
    );
    t.throws(() => space.translate(vaddr ^ 0x10_0000n), {
      code: 'ERR_VMCORE_UNMAPPED',
      message: /segment.*invalid/,
    });
    if (top < 3) {
      const beyond = 1n << (SHIFT[top] + 11n);
      t.throws(() => space.translate(vaddr | beyond), {
        code: 'ERR_VMCORE_UNMAPPED',
        message: /address bits/,
      });
    }
  });
}

t.test('frames of 1 MiB and 2 GiB', async (t) => {
  const tables = new Tables(1);
  const [segment, region] = [0x372_1234_5678n, 0x3f2_1234_5678n];
  tables.map(segment, 0n);
  tables.entries.set(tables.at(0, segment), 0x4560_0000n | LARGE);
  tables.entries.set(tables.at(1, region), 0x1_8000_0000n | LARGE | (1n << 2n));
  const space = tables.space();
  t.same(space.translate(segment), { paddr: 0x4564_5678, contiguous: (1 << 20) - 0x45678 });
  const offset = Number(region % (1n << 31n));
  t.same(space.translate(region), { paddr: 0x1_8000_0000 + offset, contiguous: 2 ** 31 - offset });
});

t.test('entries that lead nowhere say at which level and why', async (t) => {
  const vaddr = VADDR[1];
  const broken: [string, RegExp, (tables: Tables) => void][] = [
    ['an invalid page', /page.*invalid/, (tables) => tables.setPage(vaddr, 0x400n)],
    ['a page with a bit that must be zero', /page.*0x800/, (tables) => tables.setPage(vaddr, 0x5800n)],
    [
      'a segment of the wrong type',
      /segment.*table type 3 instead of 0/,
      (tables) => void tables.entries.set(tables.at(0, vaddr), BigInt(TABLES.page) | 0xcn),
    ],
    [
      'a table that ends before the entry',
      /entries 0 to 511 only/,
      (tables) => void tables.entries.set(tables.at(1, 0x372_7f34_5678n), BigInt(TABLES[0]) | 0x4n),
    ],
    [
      'a table that begins behind it',
      /entries 1024 to 2047 only/,
      (tables) => void tables.entries.set(tables.at(1, vaddr), BigInt(TABLES[0]) | 0x87n),
    ],
  ];
  for (const [what, message, damage] of broken) {
    const tables = new Tables(1).map(vaddr, 0x1000n).map(0x372_7f34_5678n, 0x1000n);
    damage(tables);
    const address = what.includes('ends before') ? 0x372_7f34_5678n : vaddr;
    t.throws(() => tables.space().translate(address), { code: 'ERR_VMCORE_UNMAPPED', message }, what);
  }
});

t.test('kernel addresses that are not physical ones: Linux 6.10 and later', async (t) => {
  const tables = new Tables(1).map(VADDR[1], 0x9000n);
  const image = 0x3ffe_0000_0000n;
  const facts = new Vmcoreinfo(
    [
      'OSRELEASE=6.12',
      'PAGESIZE=4096',
      `SYMBOL(swapper_pg_dir)=${(image + 0x6000n).toString(16)}`,
      `IDENTITYBASE=200000000000`,
      `KERNELOFFSET=${image.toString(16)}`,
      `KERNELOFFPHYS=a000`,
    ].join('\n'),
  );
  t.equal(tables.space(facts).translate(VADDR[1]).paddr, 0x9678, 'the top table is found at 0xa000 + 0x6000');
});

t.test('a top table that is not in the core', async (t) => {
  const readEntry = () => {
    throw new VmcoreError('ERR_VMCORE_NOT_PRESENT', 'not in the core');
  };
  const problem = { code: 'ERR_VMCORE_NOT_PRESENT', address: ROOT, message: /top page table/ };
  t.throws(() => s390x.pageTables(vmcoreinfo(), 0, readEntry), problem);
});
