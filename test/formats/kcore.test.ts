// A running kernel in a file that looks like its /proc/kcore. test/vm/mem-usage.vm.ts reads the real one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BufferSource } from '../../lib/access/buffer-source.ts';
import { noteAt } from '../../lib/formats/kcore.ts';
import { isVmcoreError, openVmcore } from '../../lib/index.ts';
import { vmcore } from '../cli/command.ts';
import { buildElfCore, vmcoreinfoNote } from '../support/elf-builder.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { anon, file, free, type PageFields } from '../support/page-writer.ts';

t.setTimeout(300_000);

const PAGE = 4096;
/** Page frames that are reserved for a capture kernel. */
const RESERVED = { from: 512, to: 768 };
const folder = t.testdir();

const pages = new Map<number, PageFields>(
  [...free(4), ...free(0), { mapping: file, flags: ['lru'] as const }, { mapping: anon }].map((page, i) => [
    1024 + i,
    page,
  ]),
);
const machine = buildKernelCore({ pages });
const { bytes: memory } = machine.memory;
const lastPfn = memory.length / PAGE;

/** Notes as fs/proc/kcore.c writes them. */
const notes = [
  { name: 'CORE', type: 1, desc: new Uint8Array(336) },
  { name: 'CORE', type: 3, desc: new Uint8Array(136) },
  { name: 'CORE', type: 4, desc: new Uint8Array(9000) },
  vmcoreinfoNote(machine.vmcoreinfo.replace(/^CRASHTIME.*\n/m, '')),
];

/** Its segments: part of memory under another name, one without a physical address, and memory. */
function kcore(name: string): string {
  const elf = buildElfCore({
    notes: [notes],
    segments: [
      { paddr: 0x100000, vaddr: 0xffffffff80000000n, data: memory.subarray(0x100000, 0x180000) },
      { vaddr: 0xffffc90000000000n, fileSize: 2 ** 45, data: Buffer.alloc(0) },
      { paddr: 0, vaddr: 0xffff888000000000n, data: memory },
    ],
  });
  // The file offset of vmalloc on a machine with 5-level page tables: more than a number holds.
  elf.writeBigUInt64LE(0x00a0000000000000n, 64 + 2 * 56 + 8);
  const path = join(folder, name);
  writeFileSync(path, elf);
  return path;
}

const hex = (address: number) => address.toString(16).padStart(8, '0');
const iomem = `00000000-00000fff : Reserved
00001000-${hex(memory.length - 1)} : System RAM
  ${hex(RESERVED.from * PAGE)}-${hex(RESERVED.to * PAGE - 1)} : Crash kernel
`;

t.test('its memory, without what is another name or reserved', async (t) => {
  await using core = await openVmcore(kcore('kcore'), { iomem });
  t.match(core, { format: 'kcore', arch: 'x86_64', pageSize: PAGE, maxPfn: lastPfn });
  for (const paddr of [0x1000, 0xff000, 0xffff0, 0x1ff000, 0x300010, memory.length - 32]) {
    t.ok(Buffer.from(core.readPhysical(paddr, 32)).equals(memory.subarray(paddr, paddr + 32)), hex(paddr));
  }
  for (const paddr of [0, RESERVED.from * PAGE, RESERVED.to * PAGE - 1]) {
    t.throws(() => core.readPhysical(paddr, 1), { code: 'ERR_VMCORE_NOT_PRESENT' }, hex(paddr));
  }
  t.equal(core.vmcoreinfo.osrelease, core.utsname.release);
  t.equal(
    core.vtop(core.vmcoreinfo.symbol('_stext')!).page?.offset,
    undefined,
    'no place in a file to look at',
  );
});

t.test('what it is used for', async (t) => {
  await using core = await openVmcore(kcore('kcore'), { iomem });
  const phases = new Set<string>();
  const usage = await core.memoryUsage({ onProgress: ({ phase }) => phases.add(phase) });
  const { pageSize, total, zero, kernel, ...rest } = usage;
  t.equal(pageSize, PAGE);
  t.equal(total, lastPfn - 1 - (RESERVED.to - RESERVED.from));
  t.strictSame(rest, {
    cache: 1,
    cachePrivate: 0,
    user: 1,
    free: 17,
    hwpoison: 0,
    offline: 0,
    unreadable: 0,
  });
  const kept = (await core.classify()).bitmap;
  let zeros = 0;
  for (const [pfn, count] of kept.runs())
    for (let i = pfn; i < pfn + count; i++)
      if (memory.subarray(i * PAGE, (i + 1) * PAGE).every((byte) => byte === 0)) zeros++;
  t.strictSame({ zero, kernel }, { zero: zeros, kernel: kept.count() - zeros });
  t.ok(phases.has('write'));
});

t.test('the same of a core of a crash', async (t) => {
  await using core = await openVmcore(machine.elf);
  const { total, zero, kernel, ...rest } = await core.memoryUsage();
  t.equal(total, lastPfn);
  t.match(rest, { cache: 1, user: 1, free: 17 });
  t.equal(zero + kernel + 19, total);
});

t.test('where memory is must be known', async (t) => {
  const path = kcore('kcore');
  const hidden = '00000000-00000000 : System RAM\n';
  await t.rejects(openVmcore(path, { iomem: hidden }), { code: 'ERR_VMCORE_OPEN', message: /only root/ });
  await t.rejects(openVmcore(Buffer.from(memory.subarray(0, 0)), { iomem }), { code: 'ERR_VMCORE_FORMAT' });
});

t.test('VMCOREINFO where the kernel says that it is', async (t) => {
  const source = new BufferSource(Buffer.from('....a note of the kernel'));
  t.equal(Buffer.from(noteAt(source, '0x0000000000000004 6\n')!).toString(), 'a note');
  for (const place of ['', 'nothing', '0x10 ffff', '4 zz']) t.equal(noteAt(source, place), undefined, place);
});

t.test('the file ends before its memory does', async (t) => {
  const path = join(folder, 'short');
  writeFileSync(
    path,
    buildElfCore({
      notes: [notes],
      segments: [{ paddr: 0, data: memory.subarray(0, 8 * PAGE), fileSize: 16 * PAGE }],
    }),
  );
  await using core = await openVmcore(path, { iomem });
  t.equal(core.readPhysical(0x1000, PAGE).length, PAGE);
  try {
    core.readPhysical(9 * PAGE, 1);
    t.fail('there is nothing');
  } catch (error) {
    t.ok(isVmcoreError(error, 'ERR_VMCORE_IO'), String(error));
  }
});

t.test('vmcore mem-usage', async (t) => {
  const core = join(folder, 'core');
  writeFileSync(core, machine.elf);
  const { status, stdout } = await vmcore(['mem-usage', core]);
  t.equal(status, 0);
  t.match(stdout, /^NON_PRI_CACHE +1 +yes .*\nPRI_CACHE +0 +yes .*\nUSER +1 +yes .*\nFREE +17 +yes /m);
  const json = JSON.parse((await vmcore(['mem-usage', '--json', core])).stdout);
  t.match(json, { pageSize: PAGE, total: lastPfn, free: 17 });
  t.equal((await vmcore(['mem-usage', core, core])).status, 2);
  // This machine's own /proc/iomem does not fit what is no kernel of its own.
  const missing = await vmcore(['mem-usage', join(folder, 'absent')]);
  t.match(missing, { status: 1, stderr: /no such file/ });
});
