// ELF64 cores of every shape that producers write: what is in them is what was put in.
import t from 'tap';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { buildElfCore, type ElfCoreShape, notePayload } from '../support/elf-builder.ts';

const PAGE = 4096;

function bytes(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

async function open(shape: ElfCoreShape): Promise<Vmcore> {
  return openVmcore(buildElfCore(shape));
}

t.test('where segments overlap, the first one counts, and data counts before none', async (t) => {
  const core = await open({
    segments: [
      { paddr: 0x2000, data: bytes(PAGE, 1) },
      { paddr: 0x1000, data: bytes(3 * PAGE, 2) },
      { paddr: 0x0, data: bytes(0, 0), memSize: 6 * PAGE },
    ],
  });
  const memory = core.readPhysical(0, 6 * PAGE);
  t.same(
    Array.from({ length: 6 }, (_, page) => memory[page * PAGE]),
    [0, 2, 1, 2, 0, 0],
  );
  t.equal(core.maxPfn, 6);
});

t.test(
  'memory beyond the data of its segment reads as zeros, memory beyond any segment not at all',
  async (t) => {
    const core = await open({ segments: [{ paddr: 0x1000, data: bytes(100, 7), memSize: PAGE }] });
    t.same(core.readPhysical(0x1000 + 99, 2), Uint8Array.of(7, 0));
    t.throws(() => core.readPhysical(0xfff, 1), { code: 'ERR_VMCORE_NOT_PRESENT', address: 0xfff });
    t.throws(() => core.readPhysical(0x1fff, 2), { code: 'ERR_VMCORE_NOT_PRESENT', address: 0x2000 });
  },
);

t.test('edges within a page, and data packed without alignment', async (t) => {
  const core = await open({
    align: 1,
    segments: [
      { paddr: 0x1003, data: bytes(5, 1) },
      { paddr: 0x1ff0, data: bytes(2 * PAGE, 2) },
    ],
  });
  t.same(core.readPhysical(0x1003, 5), bytes(5, 1));
  t.same(core.readPhysical(0x1ff0, 2 * PAGE), bytes(2 * PAGE, 2));
  const { original, kept } = await core.classify({ level: 0 });
  t.same({ original, kept }, { original: 3, kept: 3 }, 'a page of which the core has a part is a page');
});

t.test('segments without a physical address are listed, and are no memory', async (t) => {
  const core = await open({
    segments: [
      { vaddr: 0xffffc90000000000n, data: bytes(PAGE, 1) },
      { paddr: 0, data: bytes(PAGE, 2) },
    ],
  });
  t.equal(core.segments[0]!.paddr, undefined);
  t.equal(core.maxPfn, 1);
  t.equal(core.readPhysical(0, 1)[0], 2);
});

t.test('program headers elsewhere, and more of them than e_phnum holds', async (t) => {
  const shape = { segments: [{ paddr: 0, data: bytes(16, 9) }] };
  for (const where of [
    { phoff: 1000 },
    { extendedNumbering: true },
    { phoff: 72, extendedNumbering: true },
  ]) {
    const core = await open({ ...shape, ...where });
    t.same(core.readPhysical(0, 16), bytes(16, 9), JSON.stringify(where));
  }
});

t.test('notes of all PT_NOTEs, device dumps among them, up to where they end', async (t) => {
  const info = new TextEncoder().encode('OSRELEASE=6.0\nPAGESIZE=4096\n');
  const core = await open({
    segments: [{ paddr: 0, data: bytes(PAGE, 0) }],
    notes: [
      [
        { name: 'LINUX', type: 0x700, desc: bytes(33, 1) },
        { name: 'CORE', type: 1, desc: bytes(336, 0) },
      ],
      [{ name: 'VMCOREINFO', type: 0, desc: info }],
      // What a CPU did not fill is zeros.
      Buffer.concat([notePayload([{ name: 'CORE', type: 1, desc: bytes(336, 0) }]), Buffer.alloc(64)]),
    ],
  });
  t.same(
    core.notes.map(({ name, type, desc }) => `${name} ${type} ${desc.length}`),
    ['LINUX 1792 33', 'CORE 1 336', 'VMCOREINFO 0 28', 'CORE 1 336'],
  );
  t.equal(core.vmcoreinfo.osrelease, '6.0');
  t.equal(core.cpus.length, 2);
});

t.test('a big-endian core', async (t) => {
  const core = await open({
    littleEndian: false,
    machine: 22,
    segments: [{ paddr: 0x1000, data: bytes(PAGE, 3) }],
    notes: [
      [{ name: 'VMCOREINFO', type: 0, desc: new TextEncoder().encode('OSRELEASE=6.1\nPAGESIZE=4096\n') }],
    ],
  });
  t.match(core, { arch: 's390x', littleEndian: false, maxPfn: 2 });
  t.equal(core.vmcoreinfo.osrelease, '6.1');
  t.equal(core.readPhysical(0x1fff, 1)[0], 3);
});

t.test('memory that is claimed and can not be: no bitmaps of terabytes', async (t) => {
  const far = 2 ** 51;
  const core = await open({ segments: [{ paddr: far, data: bytes(PAGE, 1) }] });
  t.equal(core.readPhysical(far, 1)[0], 1);
  await t.rejects(core.classify({ level: 0 }), {
    code: 'ERR_VMCORE_CORRUPT',
    message: /memory up to 0x8000000001000/,
  });
  const claimed = await open({ segments: [{ paddr: 0, data: bytes(PAGE, 1), memSize: far }] });
  await t.rejects(claimed.dump('/dev/null', { level: 0, dryRun: true }), { code: 'ERR_VMCORE_CORRUPT' });
});
