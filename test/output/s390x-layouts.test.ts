// Dumps of a core whose kernel addresses are decoupled from physical ones (Linux 6.10 and later), in all formats, and of
// these dumps again.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  type DumpOptions,
  openVmcore,
  reassemble,
  unflatten,
  type Vmcore,
  verifyDump,
} from '../../lib/index.ts';
import { anon, compound, file, free, type PageFields } from '../support/page-writer.ts';
import { buildS390xCore } from '../support/s390x-core.ts';

t.setTimeout(600_000);

const FIRST = 2048;
const pages = new Map<number, PageFields>();
const blocks = [
  ...compound(9, { flags: ['lru'], mapping: anon }),
  ...Array.from({ length: 300 }, () => ({ flags: ['lru'] as const, mapping: file })),
  ...Array.from({ length: 212 }, () => ({})),
  ...free(9),
];
blocks.forEach((page, i) => {
  pages.set(FIRST + i, page);
});

const built = buildS390xCore({
  memoryPages: 5120,
  pages,
  vmcoreinfo: 'memory',
  // Pages that are not all zeros.
  change(memory) {
    for (let pfn = FIRST; pfn < FIRST + blocks.length; pfn += 2)
      memory.setU64(pfn * 4096 + 8, BigInt(pfn) * 0x1_0000_0001n);
  },
});

async function open(t: Test, path: string | string[] | Uint8Array): Promise<Vmcore> {
  const core = await openVmcore(path, { excluded: 'zeros' });
  t.teardown(() => core.close());
  return core;
}

/** What a dump has to be: complete, with the memory and the addresses of the core. */
async function check(t: Test, path: string | string[], level: number): Promise<void> {
  const [core, dump] = [await open(t, built.elf), await open(t, path)];
  t.equal((await verifyDump(path)).state, 'complete');
  const { bitmap, counts } = await core.classify({ level });
  t.ok(level < 8 || counts.user === 512);
  let compared = 0;
  for (const [first, count] of bitmap.runs()) {
    for (let pfn = first; pfn < first + count; pfn++) {
      if (!Buffer.from(dump.readPhysical(pfn * 4096, 4096)).equals(core.readPhysical(pfn * 4096, 4096)))
        t.fail(`pfn ${pfn} differs`);
      compared++;
    }
  }
  t.ok(compared > 1000, `${compared} pages compared`);
  t.equal(dump.vmcoreinfo.text, built.vmcoreinfo, 'VMCOREINFO, which the core has only in memory');
  t.equal(dump.translate(built.image + 0x10_2004n), built.imagePhysical + 0x10_2004);
  t.equal(dump.translate(built.identityBase + 0x80_0008n), 0x80_0008);
  t.same(dump.cpus, core.cpus);
}

const formats: Record<string, DumpOptions> = {
  raw: { compression: 'none', level: 0 },
  zlib: { compression: 'zlib', level: 31 },
  lzo: { compression: 'lzo', level: 30 },
  snappy: { compression: 'snappy', level: 31 },
  'all pages, as an ELF core': { format: 'elf', level: 0 },
  'an ELF core': { format: 'elf', level: 31 },
};

for (const [name, options] of Object.entries(formats)) {
  t.test(name, async (t) => {
    const path = join(t.testdir(), 'dump');
    await (await open(t, built.elf)).dump(path, options);
    await check(t, path, Number(options.level));
  });
}

t.test('flattened, and made a file of', async (t) => {
  const folder = t.testdir();
  const [flat, whole] = [join(folder, 'flat'), join(folder, 'whole')];
  await (await open(t, built.elf)).dump(flat, { level: 31, flattened: true, compression: 'zlib' });
  await check(t, flat, 31);
  await unflatten(flat, whole);
  await check(t, whole, 31);
});

t.test('split, and put together', async (t) => {
  const folder = t.testdir();
  const parts = ['a', 'b', 'c'].map((name) => join(folder, name));
  await (await open(t, built.elf)).dump(parts, { level: 31, compression: 'zlib' });
  await check(t, parts, 31);
  await reassemble(parts, join(folder, 'whole'));
  await check(t, join(folder, 'whole'), 31);
});

t.test('filtered again is as filtered at once', async (t) => {
  const folder = t.testdir();
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  await (await open(t, built.elf)).dump(first, { level: 1, compression: 'zlib' });
  await (await open(t, first)).dump(second, { level: 31, compression: 'none' });
  await check(t, second, 31);
});

t.test('an ELF core of a dump has the kernel where it was: image and memory', async (t) => {
  const folder = t.testdir();
  const [kdump, elf] = [join(folder, 'kdump'), join(folder, 'elf')];
  await (await open(t, built.elf)).dump(kdump, { level: 0, compression: 'zlib' });
  await (await open(t, kdump)).dump(elf, { level: 0, format: 'elf' });
  await check(t, elf, 0);
  const [original, again] = [await open(t, built.elf), await open(t, elf)];
  const places = ({ segments }: Vmcore) =>
    segments.map(({ vaddr, paddr, memSize }) => ({ vaddr, paddr, memSize }));
  t.same(places(again), places(original));
  t.equal(again.segments[0]!.vaddr, built.image + 0x10_0000n, 'from its text on');
});

t.test('an ELF core of a dump in which only os_info tells where the kernel is', async (t) => {
  const { elf } = buildS390xCore({ memoryPages: 4096, told: 'os_info' });
  const folder = t.testdir();
  const [kdump, again] = [join(folder, 'kdump'), join(folder, 'elf')];
  await (await open(t, elf)).dump(kdump, { level: 0, compression: 'zlib' });
  await (await open(t, kdump)).dump(again, { level: 0, format: 'elf' });
  const places = ({ segments }: Vmcore) =>
    segments.map(({ vaddr, paddr, memSize }) => ({ vaddr, paddr, memSize }));
  t.same(places(await open(t, again)), places(await open(t, elf)));
});
