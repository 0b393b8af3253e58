// What is scrubbed is in no output: not in its pages, headers or notes, and the output says that it was there.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type DumpOptions, openVmcore, reassemble, type ScrubTarget, unflatten } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { buildElfCore, vmcoreinfoNote } from '../support/elf-builder.ts';

t.setTimeout(300_000);

const PAGE = 4096;
const folder = t.testdir();
const at = (name: string) => join(folder, name);
const core = (await bundledCore()).path;

/** Kernel text: in the image's PT_LOAD, in the direct map's, and nowhere else. */
const text: ScrubTarget = { symbol: 'panic', offset: 16, size: 64 };
const dump = at('dump');

async function secretOf(): Promise<Buffer> {
  await using opened = await openVmcore(core);
  const [panic] = await opened.findSymbols('panic');
  return Buffer.from(opened.readVirtual(panic!.address + 16n, 64));
}

const secret = await secretOf();

function copies(file: string): number {
  const bytes = readFileSync(file);
  let count = 0;
  for (let from = bytes.indexOf(secret); from >= 0; from = bytes.indexOf(secret, from + 1)) count++;
  return count;
}

async function trailOf(file: string): Promise<string> {
  await using opened = await openVmcore(file);
  return Buffer.from(opened.eraseinfo).toString();
}

async function scrubbed(source: string, options: DumpOptions) {
  await using opened = await openVmcore(source);
  return await opened.dump(dump, {
    compression: options.format === 'elf' ? undefined : 'none',
    force: true,
    ...options,
  });
}

t.test('a core in a Buffer is scrubbed in the dump, and stays as it is', async (t) => {
  const bytes = readFileSync(core);
  const before = Buffer.from(bytes);
  await using opened = await openVmcore(bytes);
  await opened.dump(dump, { compression: 'none', level: 0, force: true, scrub: [text] });
  t.equal(copies(dump), 0);
  t.ok(bytes.equals(before));
});

t.equal(copies(core), 2, 'the core has what is to be scrubbed twice');

for (const [name, options] of [
  ['kdump', {}],
  ['an ELF core', { format: 'elf' }],
  ['an ELF core without zeros', { format: 'elf', level: 1 }],
  ['flattened', { flattened: true }],
  ['flattened ELF', { flattened: true, format: 'elf' }],
] satisfies [string, DumpOptions][]) {
  t.test(name, async (t) => {
    await scrubbed(core, { level: 0, ...options });
    t.ok(copies(dump) > 0, 'is there when it is not scrubbed');
    const report = await scrubbed(core, { level: 0, ...options, scrub: [text] });
    t.equal(report.scrubbed, 64);
    t.equal(copies(dump), 0, 'is nowhere');
    t.equal(await trailOf(dump), 'erase panic+0x10 size 64\n');
    await using opened = await openVmcore(dump);
    const [panic] = await opened.findSymbols('panic');
    t.equal(Buffer.from(opened.readVirtual(panic!.address + 16n, 64)).toString(), 'X'.repeat(64));
    await using whole = await openVmcore(core);
    t.strictSame(
      opened.readVirtual(panic!.address + 80n, 200),
      whole.readVirtual(panic!.address + 80n, 200),
      'nothing else was overwritten',
    );
  });
}

t.test('a split set, put together', async (t) => {
  await scrubbed(core, { level: 31, scrub: [text] });
  const members = [at('a'), at('b'), at('c')];
  await using opened = await openVmcore(core);
  await opened.dump(members, { level: 31, compression: 'none', scrub: [text] });
  for (const member of members) t.equal(copies(member), 0);
  await reassemble(members, at('whole'));
  t.ok(readFileSync(at('whole')).equals(readFileSync(dump)), 'is what was not split');
});

t.test('flattened, and unflattened', async (t) => {
  await scrubbed(core, { level: 31, scrub: [text], flattened: true });
  await unflatten(dump, at('unflattened'), { force: true });
  await scrubbed(core, { level: 31, scrub: [text] });
  t.ok(readFileSync(at('unflattened')).equals(readFileSync(dump)));
});

t.test('a dump that is scrubbed once more', async (t) => {
  for (const format of ['kdump', 'elf'] as const) {
    await scrubbed(core, { level: 0, format, scrub: [text] });
    await using once = await openVmcore(dump);
    const second: ScrubTarget = { paddr: 0x1000, size: 8, name: 'low', nullify: true };
    for (const then of ['kdump', 'elf'] as const) {
      const file = at(`twice.${format}.${then}`);
      await once.dump(file, { level: 31, format: then, scrub: [second] });
      t.equal(
        await trailOf(file),
        'erase panic+0x10 size 64\nerase low nullify\n',
        `${format}, then ${then}`,
      );
      t.equal(copies(file), 0);
    }
  }
});

t.test('pages are judged to be of zeros after they were scrubbed', async (t) => {
  const plain = await scrubbed(core, { level: 1 });
  await using opened = await openVmcore(core);
  const { bitmap } = await opened.classify({ level: 1 });
  const isZero = (pfn: number) => opened.readPhysical(pfn * PAGE, PAGE).every((byte) => byte === 0);
  const kept = [...bitmap.runs()].flatMap(([first, count]) =>
    Array.from({ length: count }, (_, i) => first + i),
  );
  const data = kept.find((pfn) => pfn > 300 && !isZero(pfn))!;
  const zero = kept.find((pfn) => pfn > 300 && isZero(pfn))!;
  for (const format of ['kdump', 'elf'] as const) {
    const nullified = await scrubbed(core, {
      level: 1,
      format,
      scrub: [{ paddr: data * PAGE, size: PAGE, nullify: true }],
    });
    t.equal(nullified.zero, plain.zero + 1, `${format}: what became zeros`);
    const marked = await scrubbed(core, { level: 1, format, scrub: [{ paddr: zero * PAGE + 7, size: 1 }] });
    t.equal(marked.zero, plain.zero - 1, `${format}: zeros that are some no more`);
    await using written = await openVmcore(dump);
    t.equal(written.readPhysical(zero * PAGE + 7, 1)[0], 'X'.charCodeAt(0));
  }
});

t.test('the name of the machine is in memory and in the header', async (t) => {
  await using opened = await openVmcore(core);
  const { nodename } = opened.utsname;
  await opened.dump(dump, { level: 31, force: true, scrub: [{ symbol: 'init_uts_ns', size: 400 }] });
  t.not(readFileSync(dump).toString('latin1', 12, 402), `Linux\0${nodename}`);
  t.ok(
    readFileSync(dump)
      .subarray(12, 402)
      .every((byte) => byte === 0),
    'the header has no names',
  );
  await using again = await openVmcore(dump);
  t.equal(again.arch, 'x86_64', 'the dump is one of this machine all the same');
  await again.dump(at('again'), { level: 31 });
  t.ok(
    readFileSync(at('again'))
      .subarray(12, 402)
      .every((byte) => byte === 0),
    'nor has the next one',
  );
});

t.test('a copy of what is scrubbed in a note', async (t) => {
  const key = Buffer.from('a key that a driver was given');
  const data = Buffer.alloc(4 * PAGE, 1);
  key.copy(data, 5000);
  const source = at('note.elf');
  const info = vmcoreinfoNote('OSRELEASE=6.1\nPAGESIZE=4096\n');
  const device = {
    name: 'LINUX',
    type: 0x700,
    desc: Buffer.concat([Buffer.from('state '), key, Buffer.from(' end')]),
  };
  writeFileSync(source, buildElfCore({ notes: [[info, device]], segments: [{ paddr: 0x10000, data }] }));
  await using opened = await openVmcore(source);
  for (const format of ['kdump', 'elf'] as const) {
    await opened.dump(dump, { level: 0, format, compression: 'none', force: true });
    t.ok(readFileSync(dump).includes(key));
    const target = { paddr: 0x10000 + 5000, size: key.length };
    await opened.dump(dump, { level: 0, format, compression: 'none', force: true, scrub: [target] });
    t.notOk(readFileSync(dump).includes(key), `${format}: neither in memory nor in the note`);
    t.ok(readFileSync(dump).includes(`state ${'X'.repeat(key.length)} end`));
    t.ok(readFileSync(dump).includes('OSRELEASE=6.1'), 'other notes are left alone');
  }
});

t.test('copies in a note of memory that overlaps', async (t) => {
  const data = Buffer.alloc(4 * PAGE, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
  const source = at('overlap.elf');
  const info = vmcoreinfoNote('OSRELEASE=6.1\nPAGESIZE=4096\n');
  const device = { name: 'LINUX', type: 0x700, desc: data.subarray(64, 192) };
  writeFileSync(source, buildElfCore({ notes: [[info, device]], segments: [{ paddr: 0x10000, data }] }));
  await using opened = await openVmcore(source);
  const scrub = [64, 96, 128].map((offset) => ({ paddr: 0x10000 + offset, size: 64 }));
  await opened.dump(dump, { level: 0, compression: 'none', force: true, scrub });
  await using written = await openVmcore(dump);
  const note = written.notes.find(({ type }) => type === 0x700);
  t.equal(Buffer.from(note!.desc).toString(), 'X'.repeat(128));
});

t.test('names in the header of a dump whose memory is scrubbed by its address', async (t) => {
  await using whole = await openVmcore(core);
  await whole.dump(at('named'), { level: 31, force: true });
  const names = readFileSync(at('named')).subarray(12, 402);
  // Nothing tells where they are in memory but who asks.
  const data = Buffer.alloc(PAGE);
  names.copy(data, 100);
  const info = vmcoreinfoNote('OSRELEASE=6.1\nPAGESIZE=4096\n');
  writeFileSync(at('names.elf'), buildElfCore({ notes: [[info]], segments: [{ paddr: 0x10000, data }] }));
  await using plain = await openVmcore(at('names.elf'));
  await plain.dump(at('names'), { level: 0, compression: 'none', force: true });
  const bytes = readFileSync(at('names'));
  names.copy(bytes, 12);
  writeFileSync(at('names'), bytes);
  await using opened = await openVmcore(at('names'));
  await opened.dump(dump, {
    level: 0,
    compression: 'none',
    force: true,
    scrub: [{ paddr: 0x10064, size: 390 }],
  });
  t.notOk(readFileSync(dump).includes(names.subarray(65, 75)), 'the name of the machine is nowhere');
});

t.test('every symbol of a name', async (t) => {
  await using opened = await openVmcore(core);
  const found = await opened.findSymbols('__func__.0');
  await opened.dump(dump, { level: 31, force: true, scrub: [{ symbol: '__func__.0' }] });
  await using written = await openVmcore(dump);
  for (const { address, size } of found) {
    t.equal(Buffer.from(written.readVirtual(address, size!)).toString(), 'X'.repeat(size!));
  }
});

t.test('memory that is mapped in pages that lie apart', async (t) => {
  await using opened = await openVmcore(core);
  // The stacks of tasks are in vmalloc space.
  const rsp = BigInt(opened.cpus[0]!.registers.rsp ?? 0n);
  const vaddr = (rsp & ~0x3fffn) + 0x100n;
  await opened.dump(dump, { level: 31, force: true, scrub: [{ vaddr, size: 3 * PAGE }] });
  await using written = await openVmcore(dump);
  t.ok(written.readVirtual(vaddr, 3 * PAGE).every((byte) => byte === 'X'.charCodeAt(0)));
});

for (const [what, target, error] of [
  ['a symbol that is none', { symbol: 'no_such_symbol' }, /no symbol no_such_symbol/],
  ['an offset behind a symbol', { symbol: 'panic', offset: 1 << 20 }, /none at/],
  ['a symbol whose size can only be guessed', { symbol: 'linux_banner' }, /give a size/],
  ['no bytes', { paddr: 0, size: 0 }, /at least 1/],
  ['no address', { vaddr: -1n, size: 1 }, /no range/],
  ['too far', { paddr: 2 ** 52 - 1, size: 2 }, /no physical memory/],
  ['a name that would be two lines', { paddr: 0, size: 1, name: 'a\nerase b size 1' }, /no spaces/],
] satisfies [string, ScrubTarget, RegExp][]) {
  t.test(what, async (t) => {
    await using opened = await openVmcore(core);
    const refused = opened.dump(at('refused'), { scrub: [target] });
    await t.rejects(refused, { code: 'ERR_VMCORE_ARGUMENT', message: error });
    t.throws(() => readFileSync(at('refused')), { code: 'ENOENT' }, 'before anything is written');
  });
}

t.test('an address that leads nowhere', async (t) => {
  await using opened = await openVmcore(core);
  const refused = opened.dump(at('refused'), { scrub: [{ vaddr: 0xffffc00000000000n, size: 8 }] });
  await t.rejects(refused, { code: 'ERR_VMCORE_UNMAPPED' });
});
