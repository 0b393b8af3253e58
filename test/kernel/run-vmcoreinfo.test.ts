// VMCOREINFO with the addresses that a kernel was linked for, as if made of its vmlinux, becomes that of the kernel that
// ran: completed by what the core has, or by where the kernel is found.
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { openVmcore, type Vmcore, type Vmcoreinfo } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore, labCore } from '../support/cores.ts';
import { buildElfCore } from '../support/elf-builder.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { buildS390xCore } from '../support/s390x-core.ts';

t.setTimeout(300_000);

/** What only a kernel that runs knows. */
const OF_RUN =
  /^(KERNELOFFSET|KERNELOFFPHYS|IDENTITYBASE|[SE]AMODE31|CRASHTIME|NUMBER\((phys_base|pgtable_l5_enabled|sme_mask|KERNEL_IMAGE_SIZE)\))=/;
/** The note is before the memory. */
const HEADERS_BYTES = 1 << 20;

/** What would be made of the vmlinux, but for mem_section, of which the kernel exports where it points. */
function linkedText(info: Vmcoreinfo): string {
  const moved = info.address('KERNELOFFSET') ?? 0n;
  return info.text
    .split('\n')
    .filter((line) => !OF_RUN.test(line))
    .map((line) => {
      const [, name, address] = /^SYMBOL\((.+)\)=(.+)$/.exec(line) ?? [];
      return name === undefined ? line : `SYMBOL(${name})=${(BigInt(`0x${address}`) - moved).toString(16)}`;
    })
    .join('\n');
}

/** The same core, whose note has another name. */
function withoutNote(path: string): Buffer {
  return hideNote(readFileSync(path));
}

/** @returns the same bytes. */
function hideNote(bytes: Buffer): Buffer {
  const name = bytes.indexOf('VMCOREINFO\0');
  if (name < 0 || name > HEADERS_BYTES) throw new Error('there is no note');
  bytes.fill('X', name, name + 10);
  return bytes;
}

/** That it leads to the same kernel as the core's own. */
function samePlace(t: Test, core: Vmcore, found: Vmcore): void {
  const keys = ['KERNELOFFSET', 'NUMBER(phys_base)', 'NUMBER(pgtable_l5_enabled)', 'SYMBOL(init_uts_ns)'];
  for (const key of keys) t.equal(found.vmcoreinfo.get(key), core.vmcoreinfo.get(key), key);
  t.same(found.utsname, core.utsname);
}

/** The same, and that all that is read by it is the same. */
async function sameKernel(t: Test, core: Vmcore, found: Vmcore): Promise<void> {
  samePlace(t, core, found);
  t.equal(found.dmesg().length, core.dmesg().length);
  const [theirs, ours] = [await core.classify(), await found.classify()];
  t.same(ours.counts, theirs.counts);
  t.ok(Buffer.from(ours.bitmap.bytes).equals(theirs.bitmap.bytes));
}

t.test('found in memory, in a core without a note', async (t) => {
  const { path } = await bundledCore();
  await using core = await openVmcore(path);
  await using lost = await openVmcore(withoutNote(path));
  t.notOk(lost.hasVmcoreinfo);
  await using found = await openVmcore(withoutNote(path), { vmcoreinfo: linkedText(core.vmcoreinfo) });
  await sameKernel(t, core, found);
});

t.test('found in a dump that has no note and of memory only some pages', async (t) => {
  const { path } = await bundledCore();
  await using core = await openVmcore(path);
  const dump = `${t.testdir()}/dump`;
  await core.dump(dump, { level: 31, compression: 'zlib' });
  const bytes = withoutNote(dump);
  await using found = await openVmcore(bytes, {
    vmcoreinfo: linkedText(core.vmcoreinfo),
    memoryBudget: 32 << 20,
  });
  for (const key of ['KERNELOFFSET', 'NUMBER(phys_base)']) {
    t.equal(found.vmcoreinfo.get(key), core.vmcoreinfo.get(key), key);
  }
  t.same(found.utsname, core.utsname);
});

t.test('with five levels of page tables', async (t) => {
  const lab = await labCore(t, 'la57');
  if (!lab) return;
  await using core = await openVmcore(lab.path);
  t.equal(core.vmcoreinfo.number('pgtable_l5_enabled'), 1);
  await using found = await openVmcore(withoutNote(lab.path), { vmcoreinfo: linkedText(core.vmcoreinfo) });
  samePlace(t, core, found);
});

t.test('with each kind of page tables, moved by any distance', async (t) => {
  for (const levels of [4, 5] as const) {
    for (const smeMask of [0n, 1n << 47n, 1n << 51n]) {
      for (const kernelOffset of smeMask === 0n ? [0n, 0x200000n, 0x3e000000n] : [0x3e000000n]) {
        const { elf } = buildKernelCore({ levels, smeMask, kernelOffset });
        await using core = await openVmcore(elf);
        const vmcoreinfo = linkedText(core.vmcoreinfo);
        await using found = await openVmcore(hideNote(elf), { vmcoreinfo });
        for (const key of [
          'KERNELOFFSET',
          'NUMBER(phys_base)',
          'NUMBER(pgtable_l5_enabled)',
          'NUMBER(sme_mask)',
        ]) {
          t.equal(
            found.vmcoreinfo.get(key),
            core.vmcoreinfo.get(key),
            `${levels} ${smeMask} ${kernelOffset}: ${key}`,
          );
        }
        t.equal(found.utsname.release, core.utsname.release);
      }
    }
  }
});

t.test('a release in many places, and no kernel', async (t) => {
  const bytes = Buffer.alloc(140 << 20);
  for (let at = 0; at < bytes.length; at += 0x1000) bytes.write('6.1.0\0', at);
  const vmcoreinfo = 'OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff81001f7a\n';
  const text = `${vmcoreinfo}SYMBOL(_stext)=ffffffff81000000\nSYMBOL(init_top_pgt)=ffffffff81002000\n`;
  const elf = buildElfCore({ segments: [{ paddr: 0, vaddr: 0n, data: bytes }] });
  await using core = await openVmcore(elf, { vmcoreinfo: text });
  t.equal(core.vmcoreinfo.text, text, 'it stays as it is');
});

t.test('completed by the note of the core', async (t) => {
  for (const { path } of [await bundledCore(), await bundledS390xCore()]) {
    await using core = await openVmcore(path);
    await using completed = await openVmcore(path, { vmcoreinfo: linkedText(core.vmcoreinfo) });
    t.equal(completed.vmcoreinfo.crashTime, core.vmcoreinfo.crashTime, path);
    await sameKernel(t, core, completed);
  }
});

t.test('s390x since 6.10: the lowcore or os_info tells', async (t) => {
  const [lowcore, osInfo] = [
    buildS390xCore({ memoryPages: 6144, vmcoreinfo: 'memory' }),
    buildS390xCore({ memoryPages: 6144, vmcoreinfo: 'memory', change: (memory) => memory.setU64(0xe0c, 0n) }),
  ];
  const info = await openVmcore(lowcore.elf);
  t.teardown(() => info.close());
  const vmcoreinfo = linkedText(info.vmcoreinfo);
  for (const { elf, image, imagePhysical, vmemmap } of [lowcore, osInfo]) {
    await using found = await openVmcore(elf, { vmcoreinfo });
    for (const key of ['KERNELOFFSET', 'KERNELOFFPHYS', 'IDENTITYBASE', 'EAMODE31', 'SYMBOL(_stext)'])
      t.equal(found.vmcoreinfo.get(key), info.vmcoreinfo.get(key), key);
    t.equal(found.translate(image + 0x10_2004n), imagePhysical + 0x10_2004);
    t.equal(found.translate(vmemmap), info.translate(vmemmap));
    t.same(found.utsname, info.utsname);
    t.same((await found.classify()).counts, (await info.classify()).counts);
  }
  const other = vmcoreinfo.replace(/^OSRELEASE=.*$/m, 'OSRELEASE=6.11.0');
  await using wrong = await openVmcore(osInfo.elf, { vmcoreinfo: other });
  t.equal(wrong.vmcoreinfo.text, other, 'that of another kernel stays as it is');
});

t.test('what was given is kept', async (t) => {
  const { path } = await bundledCore();
  await using core = await openVmcore(path);
  const text = linkedText(core.vmcoreinfo);
  const given = text.replace(/^SIZE\(page\)=.*$/m, 'SIZE(page)=128');
  await using completed = await openVmcore(path, { vmcoreinfo: given });
  t.equal(completed.vmcoreinfo.size('page'), 128);
  const ofRun = core.vmcoreinfo.text.replace(/^CRASHTIME=.*\n/m, '');
  for (const unchanged of [ofRun, text.replace(/^OSRELEASE=.*$/m, 'OSRELEASE=5.4.0'), 'nonsense']) {
    await using same = await openVmcore(path, { vmcoreinfo: unchanged });
    if (unchanged === 'nonsense') t.notOk(same.hasVmcoreinfo);
    else t.equal(same.vmcoreinfo.text, unchanged);
  }
});

t.test('the search ends when it is asked to', async (t) => {
  const { path } = await bundledCore();
  await using core = await openVmcore(path);
  const reason = new Error('enough');
  const stop = new AbortController();
  const vmcoreinfo = linkedText(core.vmcoreinfo).replace(/^OSRELEASE=.*$/m, 'OSRELEASE=5.4.0');
  const opening = openVmcore(withoutNote(path), { vmcoreinfo, signal: stop.signal });
  stop.abort(reason);
  await t.rejects(opening, reason);
});
