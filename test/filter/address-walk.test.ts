// Where virtual addresses lead: entry by entry as makedumpfile walks, and what lies at the end.
import { closeSync, copyFileSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { formatWalk } from '../../lib/cli/walk-text.ts';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore, labCore } from '../support/cores.ts';
import { kernelAddresses } from '../support/kernel-addresses.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { oracle, programs, run, s390xMakedumpfile } from '../support/oracles.ts';

t.setTimeout(300_000);

const folder = t.testdir();
const PAGE = 4096n;

// _PAGE_PSE, arch/x86/include/asm/pgtable_types.h
const PAGE_SIZE_BIT = 1n << 7n;

/** The lines of makedumpfile about an address. */
async function lines(vaddr: bigint, core: string, [program, ...args]: readonly string[]): Promise<string> {
  const out = `${folder}/out`;
  const { stdout } = await run(program!, [
    ...args,
    '--vtop',
    `0x${vaddr.toString(16)}`,
    '-d',
    '1',
    '-f',
    core,
    out,
  ]);
  return /Translating(.*\n)+?.*PHYSICAL\n.*\n/.exec(stdout.toString())?.[0] ?? stdout.toString();
}

/** Maps the first GiB of the direct map as the kernel does for more memory, and returns an address in it. */
async function mapFirstGibibyteByOnePage(path: string): Promise<bigint> {
  await using core = await openVmcore(path);
  const vaddr = core.segments.at(-1)!.vaddr;
  const pud = core.vtop(vaddr).steps.find(({ level }) => level === 'PUD')!;
  const entry = Buffer.alloc(8);
  entry.writeBigUInt64LE((pud.entry & 0xfffn) | PAGE_SIZE_BIT);
  const file = openSync(path, 'r+');
  for (const { paddr, offset, fileSize } of core.segments) {
    const within = pud.entryAddress - (paddr ?? Number.NaN);
    if (within >= 0 && within < fileSize) writeSync(file, entry, 0, 8, offset + within);
  }
  closeSync(file);
  return vaddr;
}

for (const name of ['bundled', 'la57', 'kernel-6.12']) {
  t.test(`as makedumpfile walks: ${name}`, async (t) => {
    if (!oracle(t, 'makedumpfile')) return;
    const file = name === 'bundled' ? await bundledCore() : await labCore(t, name);
    if (!file) return;
    await using core = await openVmcore(file.path);
    const all = Object.entries(await kernelAddresses(core));
    for (const [what, vaddr] of name === 'bundled' ? all : all.slice(-4)) {
      t.equal(formatWalk(core.vtop(vaddr)), await lines(vaddr, file.path, [programs.makedumpfile]), what);
    }
  });
}

t.test('a page of 1 GiB', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const path = join(folder, 'core');
  copyFileSync((await bundledCore()).path, path);
  const vaddr = await mapFirstGibibyteByOnePage(path);
  await using core = await openVmcore(path);
  const walk = core.vtop(vaddr);
  t.match(walk.steps.at(-1), { level: 'PUD', kind: 'leaf', bytes: 2 ** 30 });
  t.equal(formatWalk(walk), await lines(vaddr, path, [programs.makedumpfile]));
});

t.test('s390x, as makedumpfile on it translates', async (t) => {
  if (!oracle(t, 's390x-makedumpfile')) return;
  const { path } = await bundledS390xCore();
  await using core = await openVmcore(path);
  const low = core.vtop(0x123456n);
  t.match(low, { paddr: 0x123456, page: { segments: [0] } });
  t.match(low.steps.map(({ kind }) => kind).at(-1), 'leaf');
  const stack = BigInt(core.cpus[0]!.registers.r15!);
  for (const vaddr of [0x123456n, core.vmcoreinfo.symbol('_stext')!, stack]) {
    const { paddr, steps } = core.vtop(vaddr);
    const theirs = await lines(vaddr, path, s390xMakedumpfile());
    t.match(theirs, new RegExp(`^ *${vaddr.toString(16)}  ${paddr!.toString(16)}$`, 'm'), vaddr.toString(16));
    t.ok(steps.length >= 2, `${steps.map(({ level, flags }) => `${level} ${flags}`)}`);
  }
});

t.test('what lies at the end', async (t) => {
  const { elf } = buildKernelCore({ pages: new Map([[5, { kind: 'buddy', order: 0 } as never]]) });
  await using core = await openVmcore(elf);
  const [image, direct] = core.segments;
  const inImage = core.vtop(image!.vaddr + 0x2004n);
  const { paddr, page } = inImage;
  t.strictSame(page!.segments, [0, 1], 'it is in the segment of the image and in that of all memory');
  t.equal(elf.toString('latin1', page!.offset!, page!.offset! + 5), 'Linux', 'its place in the file');
  t.equal(core.vtop(direct!.vaddr + BigInt(paddr!)).paddr, paddr);
  t.equal(page!.explanation.pfn, page!.pfn);
});

t.test('what is not in the core', async (t) => {
  const { elf, memory } = buildKernelCore({ holes: [[5, 6]] });
  await using core = await openVmcore(elf);
  const direct = core.segments[1]!.vaddr;
  const hole = core.vtop(direct + 5n * PAGE);
  t.match(hole, { paddr: 5 * 4096, page: { pfn: 5, offset: undefined, segments: [] } });
  t.match(hole.page!.explanation.text, /not in the core/);
  const nowhere = core.vtop(0x400000n);
  t.match(nowhere, { paddr: undefined, page: undefined, problem: { code: 'ERR_VMCORE_UNMAPPED' } });
  t.equal(nowhere.steps.length, 1);
  const lost = core.vtop(0x400000n, { root: memory.bytes.length + 4096 });
  t.match(lost, { steps: [], problem: { code: 'ERR_VMCORE_NOT_PRESENT' } }, 'a top table that is not there');
  t.throws(() => core.vtop(0n, { root: -1 }), { code: 'ERR_VMCORE_ARGUMENT' });
  t.throws(() => core.vtop(0n, { root: 0x400000n }), { code: 'ERR_VMCORE_UNMAPPED' });
});

t.test('without VMCOREINFO program headers tell', async (t) => {
  await using core = await openVmcore(buildKernelCore().elf, {
    vmcoreinfo: 'OSRELEASE=6.2\nPAGESIZE=4096\n',
  });
  const walk = core.vtop(core.segments[0]!.vaddr + 5n);
  t.match(walk, { steps: [], paddr: core.segments[0]!.paddr! + 5 });
});
