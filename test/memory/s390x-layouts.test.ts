// Both layouts of an s390x kernel's addresses: physical ones before Linux 6.10, decoupled from them since then. No real
// core of the latter is at hand: these are made here as the kernel's sources have it.
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledS390xCore } from '../support/cores.ts';
import { buildElfCore, EM_S390, vmcoreinfoNote } from '../support/elf-builder.ts';
import type { PhysicalImage } from '../support/physical-image.ts';
import { buildS390xCore, type S390xCoreOptions } from '../support/s390x-core.ts';
import { S390xPageTables } from '../support/s390x-page-tables.ts';

t.setTimeout(600_000);

/** Where the top table is in the image. */
const TOP_TABLE = 0x10_4000;

const shapes: Record<string, S390xCoreOptions> = {
  'decoupled, told by VMCOREINFO': {},
  'decoupled, told by os_info': { told: 'os_info' },
  'decoupled, VMCOREINFO found through the lowcore': { vmcoreinfo: 'memory' },
  'decoupled, told by os_info, VMCOREINFO found through the lowcore': {
    told: 'os_info',
    vmcoreinfo: 'memory',
  },
  'decoupled, 4 levels': { top: 2 },
  'decoupled, 5 levels': { top: 3 },
  'decoupled, mapped by a frame of 2 GiB': { frame: '2G' },
  'decoupled, mapped by pages of 4 KiB': { frame: '4K' },
  identity: { layout: 'identity' },
  'identity, 4 levels': { layout: 'identity', top: 2 },
};

for (const [name, shape] of Object.entries(shapes)) {
  t.test(name, async (t) => {
    const built = buildS390xCore({ memoryPages: 6144, ...shape });
    await using core = await openVmcore(built.elf);
    const { identityBase, image, imagePhysical, amode31, vmemmap } = built;
    const linear: [string, bigint, number][] = [
      ['lowcore', 0xe0cn, 0xe0c],
      ['31-bit code', amode31 + 0x18n, Number(amode31) + 0x18],
      ['image', image + 0x10_2004n, imagePhysical + 0x10_2004],
      ['first byte of memory', identityBase, 0],
      ['memory', identityBase + 0x123_4567n, 0x123_4567],
      [
        'last byte of memory',
        identityBase + BigInt(built.memory.bytes.length - 1),
        built.memory.bytes.length - 1,
      ],
    ];
    for (const [what, vaddr, paddr] of linear) t.equal(core.translate(vaddr), paddr, what);
    const structPage = core.translate(vmemmap + 64n * 5000n);
    t.same(core.readVirtual(vmemmap + 64n * 5000n, 64), core.readPhysical(structPage, 64));
    t.equal(core.walk(vmemmap).length, (shape.top ?? 1) + 2, 'levels are found');
    t.equal(core.utsname.machine, 's390x');
    t.throws(() => core.translate(0x300_0000_0000n), {
      code: 'ERR_VMCORE_UNMAPPED',
      message: /region third entry/,
    });
    t.equal(core.filterProblem, undefined);
  });
}

t.test('os_info that is damaged, or of before 6.10, tells nothing', async (t) => {
  const damage: [string, S390xCoreOptions['change']][] = [
    ['its magic', (memory, { osInfo }) => memory.setU64(osInfo, 0n)],
    ['its sum', (memory, { osInfo }) => memory.setU64(osInfo + 4000, 1n)],
    ['its place', (memory, { osInfo }) => memory.setU64(0xe18, BigInt(osInfo + 8))],
    ['none', (memory) => memory.setU64(0xe18, 0n)],
    ['out of the core', (memory) => memory.setU64(0xe18, 1n << 40n)],
  ];
  for (const [what, change] of damage) {
    await using core = await openVmcore(
      buildS390xCore({ memoryPages: 2048, told: 'os_info', change: change! }).elf,
    );
    // The top table is looked for at its virtual address, where there is no memory.
    const problem = { code: /ERR_VMCORE_UNMAPPED|ERR_VMCORE_NOT_PRESENT/ };
    t.throws(() => core.translate(0x372_0000_0000n), problem, what);
  }
});

t.test('the first valid entry says how many levels there are', async (t) => {
  for (const type of [0n, 2n, 3n]) {
    const built = buildS390xCore({
      memoryPages: 2048,
      // Lowcore and 31-bit code are reached by the first one, all else by others.
      change(memory, { imagePhysical }) {
        for (let i = 0; i < 16; i++) memory.setU64(imagePhysical + TOP_TABLE + i * 8, 0x20n | (type << 2n));
      },
    });
    await using core = await openVmcore(built.elf);
    t.equal(core.walk(built.vmemmap).length, 3);
    t.equal(core.translate(built.identityBase + 0x1234n), 0x1234);
  }
});

t.test('without VMCOREINFO', async (t) => {
  const lost = (memory: PhysicalImage) => memory.setU64(0xe0c, 0n);
  /** As hypervisors write it: without virtual addresses. */
  const asPhysical = ({ bytes }: PhysicalImage) =>
    buildElfCore({ littleEndian: false, machine: EM_S390, segments: [{ paddr: 0, vaddr: 0n, data: bytes }] });

  await t.test('os_info tells where memory is mapped', async (t) => {
    const { memory, identityBase } = buildS390xCore({ memoryPages: 2048, change: lost });
    await using core = await openVmcore(asPhysical(memory));
    t.notOk(core.hasVmcoreinfo);
    t.equal(core.translate(identityBase + 0x40_0000n), 0x40_0000);
    t.throws(() => core.translate(0x40_0000n), { code: 'ERR_VMCORE_UNMAPPED' });
  });

  await t.test('or that addresses are physical ones', async (t) => {
    const { path } = await bundledS390xCore();
    await using real = await openVmcore(path);
    const bytes = Buffer.from(real.readPhysical(0, 32 << 20));
    bytes.fill(0, 0xe0c, 0xe14);
    const segments = [{ paddr: 0, vaddr: 0n, data: bytes }];
    await using core = await openVmcore(buildElfCore({ littleEndian: false, machine: EM_S390, segments }));
    t.equal(core.translate(0x40_0000n), 0x40_0000);
  });

  await t.test('where neither is there, nothing is guessed', async (t) => {
    const { memory } = buildS390xCore({
      memoryPages: 2048,
      change(memory) {
        lost(memory);
        memory.setU64(0xe18, 0n);
      },
    });
    await using core = await openVmcore(asPhysical(memory));
    t.throws(() => core.translate(0x40_0000n), { code: 'ERR_VMCORE_UNMAPPED', message: /VMCOREINFO/ });
    t.same(core.readPhysical(0x40_0000, 16), memory.bytes.subarray(0x40_0000, 0x40_0010));
  });
});

t.test('a top table that is not in the core is named', async (t) => {
  const { vmcoreinfo, memory, imagePhysical } = buildS390xCore({ memoryPages: 2048 });
  const end = imagePhysical + TOP_TABLE;
  const segments = [{ paddr: 0, vaddr: 0n, data: memory.bytes.subarray(0, end) }];
  const notes = [[vmcoreinfoNote(vmcoreinfo)]];
  await using core = await openVmcore(
    buildElfCore({ littleEndian: false, machine: EM_S390, notes, segments }),
  );
  const message = new RegExp(`top page table at physical address 0x${end.toString(16)} is not in the core`);
  t.throws(() => core.translate(0x372_0000_0000n), { code: 'ERR_VMCORE_UNMAPPED', message });
  t.throws(() => core.vtop(0n, { root: end }), { code: 'ERR_VMCORE_NOT_PRESENT', message, address: end });
});

t.test("a process's pages are there, whether the hardware may use them or not", async (t) => {
  let entries = [0n];
  const { elf } = buildS390xCore({
    memoryPages: 2048,
    change(memory) {
      const tables = new S390xPageTables(memory, 1);
      entries = [BigInt(tables.root), ...[0x001n, 0x601n, 0x400n].map((bits) => 0x5000n | bits)];
      entries.slice(1).forEach((entry, i) => {
        tables.map(BigInt(i) << 12n, Number(entry), '4K');
      });
    },
  });
  await using core = await openVmcore(elf);
  const root = Number(entries[0]);
  const walks = [0n, 1n, 2n].map((page) => core.vtop(page << 12n, { root }));
  t.same(
    walks.map(({ paddr }) => paddr),
    [0x5000, 0x5000, undefined],
  );
  t.same(walks[1]!.steps.at(-1)!.flags, ['PROTECT', 'INVALID']);
});
