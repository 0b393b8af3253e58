// Both layouts of an s390x kernel's addresses: physical ones before Linux 6.10, decoupled from them since then. No real
// core of the latter is at hand: these are made here as the kernel's sources have it.
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { buildS390xCore, type S390xCoreOptions } from '../support/s390x-core.ts';
import type { TableType } from '../support/s390x-page-tables.ts';

t.setTimeout(600_000);

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
      ['image', image + 0x2004n, imagePhysical + 0x2004],
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

t.test('the tables say how many levels there are, whichever entry is the first', async (t) => {
  for (const top of [1, 2, 3] as TableType[]) {
    // In the decoupled layout of 4 and 5 levels entry 0 alone is valid; here it is made invalid for a while.
    const built = buildS390xCore({ memoryPages: 2048, layout: 'identity', top });
    const root = built.imagePhysical + 0x4000;
    const entries = Array.from({ length: 2048 }, (_, i) => built.memory.u64(root + i * 8));
    t.ok(
      entries.every((entry) => ((entry >> 2n) & 3n) === BigInt(top)),
      'also the invalid ones',
    );
    await using core = await openVmcore(built.elf);
    t.equal(core.walk(0x372_0000_0000n).length, top + 2);
  }
});
