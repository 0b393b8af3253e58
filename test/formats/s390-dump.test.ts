// The format of the s390 stand-alone dumpers, all of memory behind a header (s390-tools, zdump/dfi_s390.c). Memory in
// segments has its tests in s390-segments.test.ts.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledS390xCore } from '../support/cores.ts';
import { pattern } from '../support/elf-builder.ts';
import { buildS390Dump, type S390DumpShape, TOD } from '../support/s390-dump-builder.ts';
import { buildS390xCore } from '../support/s390x-core.ts';

const { memory, vmcoreinfo } = buildS390xCore({ memoryPages: 2048 });

function dump(shape: Partial<S390DumpShape> = {}): Buffer {
  return buildS390Dump({ memory: memory.bytes, ...shape });
}

t.test('memory from 0 on, and what its lowcore tells', async (t) => {
  await using core = await openVmcore(dump());
  t.match(core, { format: 's390-dump', arch: 's390x', littleEndian: false, maxPfn: 2048, segments: [] });
  t.equal(core.vmcoreinfo.text, vmcoreinfo);
  t.equal(core.utsname.machine, 's390x');
  t.same(Buffer.from(core.readPhysical(0, memory.bytes.length)), memory.bytes);
  t.throws(() => core.readPhysical(memory.bytes.length, 1), { code: 'ERR_VMCORE_NOT_PRESENT' });
});

t.test('a header that is longer', async (t) => {
  await using core = await openVmcore(dump({ headerBytes: 8192 }));
  t.same(core.readPhysical(0xe0c, 8), memory.bytes.subarray(0xe0c, 0xe14));
});

t.test('a dump of it is one of the same machine', async (t) => {
  const path = `${t.testdir()}/dump`;
  await using core = await openVmcore(dump());
  await core.dump(path, { level: 31, compression: 'zlib' });
  await using written = await openVmcore(path);
  t.equal(written.arch, 's390x');
  t.equal(written.vmcoreinfo.text, vmcoreinfo);
  t.same(written.utsname, core.utsname);
});

t.test('a real machine', async (t) => {
  const { path } = await bundledS390xCore();
  await using elf = await openVmcore(path);
  const [{ offset, fileSize }] = elf.segments as [(typeof elf.segments)[0]];
  const bytes = readFileSync(path).subarray(offset, offset + fileSize);
  const { prefix } = elf.cpus[0]!.registers;
  await using core = await openVmcore(buildS390Dump({ memory: bytes, prefixes: [Number(prefix)] }));
  t.equal(core.vmcoreinfo.text, elf.vmcoreinfo.text);
  t.same(core.dmesg(), elf.dmesg());
  const { counts } = await core.classify();
  t.same(counts, (await elf.classify()).counts);
  t.equal(core.cpus.length, 1);
  const names = Object.keys(elf.cpus[0]!.registers);
  t.ok(names.includes('v31'));
  for (const name of names) {
    // The dumpers know no task, and the kernel clears this one in its note.
    if (name === 'orig_gpr2' || name === 'todcmp') continue;
    t.equal(core.cpus[0]!.registers[name], elf.cpus[0]!.registers[name], name);
  }
  t.same(
    core.notes.map(({ type }) => type),
    elf.notes.map(({ type }) => type).filter((type) => type !== 3), // NT_PRPSINFO is of no CPU
    'notes in the order of the kernel',
  );
});

t.test('CPUs whose lowcore is no address, or not in the dump, left nothing', async (t) => {
  await using core = await openVmcore(dump({ prefixes: [0x4000, 0x7ffe000, 0, 0x6000] }));
  t.same(
    core.cpus.map(({ registers }) => registers.prefix),
    [0x4000n, 0x6000n],
  );
});

t.test('CPUs are counted, not the places of their prefix registers', async (t) => {
  await using core = await openVmcore(dump({ prefixes: [0x7ffe000, 0x4000, 0, 0x6000] }));
  const pids = core.notes.filter(({ name, type }) => name === 'CORE' && type === 1);
  t.same(
    pids.map(({ desc }) => Buffer.from(desc).readInt32BE(32)),
    [1, 2],
  );
});

t.test('vector registers, where the lowcore points to them', async (t) => {
  const bytes = Buffer.from(memory.bytes);
  bytes.set(pattern(512, 7), 0x10400);
  const vectors: [string, bigint, boolean][] = [
    ['an address', 0x10400n, true],
    ['none', 0n, false],
    ['an address that the dumper does not take', 0x10410n, false],
    ['one that is not in the dump', BigInt(bytes.length), false],
    ['one that no dump has', 2n ** 64n - 1024n, false],
  ];
  for (const [what, address, isThere] of vectors) {
    bytes.writeBigUInt64BE(address, 0x4000 + 0x11b0);
    await using core = await openVmcore(dump({ memory: bytes, prefixes: [0x4000] }));
    const { registers } = core.cpus[0]!;
    t.equal(registers.v16 !== undefined, isThere, what);
    if (!isThere) continue;
    t.equal(registers.v31, BigInt(`0x${bytes.toString('hex', 0x105f0, 0x10600)}`));
    t.equal(registers.v1! % 2n ** 64n, bytes.readBigUInt64BE(0x10418), 'below the floating-point register');
  }
});

t.test('a dump that did not come to its end', async (t) => {
  const whole = dump();
  await using complete = await openVmcore(whole, { allowTruncated: true });
  t.notOk(complete.incomplete, 'a whole one');
  await using same = await openVmcore(dump({ endTod: TOD }));
  t.notOk(same.incomplete, 'one that took no time');
  const cases: [string, Buffer, RegExp][] = [
    ['no end marker', dump({ endMarker: 'DUMP_ENX' }), /has no end marker/],
    ['that of an earlier dump', dump({ endTod: TOD - 1n }), /end marker of an earlier dump/],
    ['cut off before it', whole.subarray(0, -16), /cut off/],
    ['cut off in it', whole.subarray(0, -1), /cut off/],
    ['cut off in memory', whole.subarray(0, 4096 + 100 * 4096), /cut off/],
  ];
  for (const [what, bytes, message] of cases) {
    await t.rejects(openVmcore(bytes), { code: 'ERR_VMCORE_TRUNCATED', message }, what);
    await using core = await openVmcore(bytes, { allowTruncated: true });
    t.ok(core.incomplete, what);
    t.same(core.readPhysical(0x50 * 4096, 4096), memory.bytes.subarray(0x50 * 4096, 0x51 * 4096), what);
  }
  for (const [field, damage] of [
    ['memory', (bytes: Buffer) => bytes.writeBigUInt64BE(2n ** 50n, 24)],
    ['header', (bytes: Buffer) => bytes.writeUInt32BE(0xffffffff, 12)],
  ] as const) {
    const bytes = dump();
    damage(bytes);
    await t.rejects(openVmcore(bytes), { code: 'ERR_VMCORE_TRUNCATED' }, `a ${field} longer than the file`);
  }
  await t.rejects(openVmcore(whole.subarray(0, 4096)), { code: 'ERR_VMCORE_TRUNCATED' }, 'only the header');
  await t.rejects(openVmcore(whole.subarray(0, 100)), { code: 'ERR_VMCORE_TRUNCATED' }, 'part of the header');
});

t.test('headers that can not be', async (t) => {
  const corrupt: [string, (bytes: Buffer) => void][] = [
    ['a header shorter than one', (bytes) => bytes.writeUInt32BE(100, 12)],
    ['no memory', (bytes) => bytes.writeBigUInt64BE(0n, 24)],
    ['more memory than there can be', (bytes) => bytes.writeBigUInt64BE(1n << 60n, 24)],
    ['more memory than 64 bits have with the header', (bytes) => bytes.writeBigUInt64BE(2n ** 64n - 1n, 24)],
    ['pages of another size', (bytes) => bytes.writeUInt32BE(8192, 20)],
    ['no architecture', (bytes) => bytes.writeUInt32BE(0, 72)],
    ['an unknown architecture', (bytes) => bytes.writeUInt32BE(3, 72)],
  ];
  for (const [what, damage] of corrupt) {
    const bytes = dump();
    damage(bytes);
    await t.rejects(openVmcore(bytes), { code: 'ERR_VMCORE_CORRUPT' }, what);
  }
  const volume = dump();
  volume.writeUInt8(1, 92);
  await t.rejects(openVmcore(volume), { code: 'ERR_VMCORE_FORMAT', message: /multi-volume.*zgetdump/ });
  const small = dump();
  small.writeUInt32BE(1, 72);
  await t.rejects(openVmcore(small), { code: 'ERR_VMCORE_FORMAT', message: /31-bit/ });
});
