// The format of the s390 stand-alone dumpers (s390-tools, zdump/dfi_s390.h).
import { readFileSync } from 'node:fs';
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledS390xCore } from '../support/cores.ts';
import { buildS390Dump, type S390DumpShape } from '../support/s390-dump-builder.ts';
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
  const known = Object.keys(core.cpus[0]!.registers).filter((name) => !name.startsWith('v'));
  t.ok(known.length > 60);
  for (const name of known) {
    // The dumpers know no task, and the kernel clears this one in its note.
    if (name === 'orig_gpr2' || name === 'todcmp') continue;
    t.equal(core.cpus[0]!.registers[name], elf.cpus[0]!.registers[name], name);
  }
});

t.test('CPUs whose lowcore is no address, or not in the dump, left nothing', async (t) => {
  await using core = await openVmcore(dump({ prefixes: [0x4000, 0x7ffe000, 0, 0x6000] }));
  t.same(
    core.cpus.map(({ registers }) => registers.prefix),
    [0x4000n, 0x6000n],
  );
});

t.test('a dump that did not come to its end', async (t) => {
  const whole = dump();
  const cases: [string, Buffer][] = [
    ['no end marker', dump({ endMarker: 'DUMP_ENX' })],
    ['cut off in it', whole.subarray(0, -12)],
    ['cut off in memory', whole.subarray(0, 4096 + 100 * 4096)],
  ];
  for (const [what, bytes] of cases) {
    await t.rejects(openVmcore(bytes), { code: 'ERR_VMCORE_TRUNCATED' }, what);
    await using core = await openVmcore(bytes, { allowTruncated: true });
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
  ];
  for (const [what, damage] of corrupt) {
    const bytes = dump();
    damage(bytes);
    await t.rejects(openVmcore(bytes), { code: 'ERR_VMCORE_CORRUPT' }, what);
  }
  const volume = dump();
  volume.writeUInt8(1, 92);
  await t.rejects(openVmcore(volume), { code: 'ERR_VMCORE_FORMAT', message: /multi-volume/ });
});
