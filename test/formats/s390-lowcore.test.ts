// VMCOREINFO of an s390x core that has no such note: where the kernel's lowcore says.
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { buildElfCore, EM_S390, pattern, vmcoreinfoNote } from '../support/elf-builder.ts';
import { buildS390xCore } from '../support/s390x-core.ts';

t.test('the note that the lowcore points to is one of the core', async (t) => {
  const built = buildS390xCore({ memoryPages: 2048, layout: 'identity', vmcoreinfo: 'memory' });
  await using core = await openVmcore(built.elf);
  t.equal(core.vmcoreinfo.text, built.vmcoreinfo);
  t.same(
    core.notes.map(({ name }) => name),
    ['CORE', 'VMCOREINFO'],
    'behind those of the file',
  );
  t.equal(core.utsname.nodename, 'synthetic');
  t.equal(core.filterProblem, undefined);
});

t.test('so dumps of it have the note', async (t) => {
  const built = buildS390xCore({ memoryPages: 2048, layout: 'identity', vmcoreinfo: 'memory' });
  await using core = await openVmcore(built.elf);
  for (const format of ['kdump', 'elf'] as const) {
    const path = `${t.testdir()}/dump`;
    await core.dump(path, { level: 31, format, compression: 'none' });
    // The lowcore could tell, if it were not for the note.
    await using dump = await openVmcore(path, { vmcoreinfo: 'OSRELEASE=other\nPAGESIZE=4096\n' });
    t.same(
      dump.notes.map(({ name }) => name),
      ['CORE', 'VMCOREINFO'],
      format,
    );
    t.same(dump.cpus, core.cpus);
  }
});

t.test('a core as QEMU 7.2 writes it', async (t) => {
  // e_ehsize 8, section headers of the other byte order in front of the program headers, p_vaddr 0, p_flags 0.
  const built = buildS390xCore({ memoryPages: 2048, layout: 'identity' });
  const elf = buildElfCore({
    littleEndian: false,
    machine: EM_S390,
    phoff: 192,
    segments: [{ paddr: 0, vaddr: 0n, data: built.memory.bytes }],
    notes: [[{ name: 'CORE', type: 1, desc: Buffer.alloc(336) }]],
  });
  elf.writeUInt16BE(8, 52); // e_ehsize
  elf.writeBigUInt64BE(64n, 40); // e_shoff
  elf.writeUInt32LE(1, 64 + 44); // sh_info
  await using core = await openVmcore(elf);
  t.equal(core.vmcoreinfo.text, built.vmcoreinfo);
});

t.test('its own note counts, and so does what the caller gives', async (t) => {
  const built = buildS390xCore({ memoryPages: 2048, layout: 'identity' });
  await using core = await openVmcore(built.elf);
  t.equal(core.notes.length, 2);
  const memoryOnly = buildS390xCore({ memoryPages: 2048, layout: 'identity', vmcoreinfo: 'memory' });
  const given = 'OSRELEASE=given\nPAGESIZE=4096\n';
  await using other = await openVmcore(memoryOnly.elf, { vmcoreinfo: given });
  t.equal(other.vmcoreinfo.osrelease, 'given');
});

t.test('a lowcore that points nowhere is none', async (t) => {
  const pointers: [string, bigint][] = [
    ['nothing', 0n],
    ['a KASLR offset, of a kernel that did not come up', 0x100_0001n],
    ['something else', 0x1000n],
    ['memory that is not there', 1n << 62n],
  ];
  for (const [what, pointer] of pointers) {
    const built = buildS390xCore({
      memoryPages: 2048,
      layout: 'identity',
      vmcoreinfo: 'memory',
      change: (memory) => memory.setU64(0xe0c, pointer),
    });
    await using core = await openVmcore(built.elf);
    t.equal(core.vmcoreinfoProblem?.code, 'ERR_VMCORE_NO_VMCOREINFO', what);
    t.same(
      core.notes.map(({ name }) => name),
      ['CORE'],
    );
  }
});

t.test('memory that ends within the pointer', async (t) => {
  const data = Buffer.alloc(0xe10, 1);
  const elf = buildElfCore({ machine: EM_S390, littleEndian: false, segments: [{ paddr: 0, data }] });
  await using core = await openVmcore(elf);
  t.equal(core.hasVmcoreinfo, false);
});

t.test('a core without the first page, or of another machine, is left as it is', async (t) => {
  const note = vmcoreinfoNote('OSRELEASE=6.1\nPAGESIZE=4096\n');
  const segments = [{ paddr: 0x10000, vaddr: 0x10000n, data: pattern(4096) }];
  await using high = await openVmcore(buildElfCore({ littleEndian: false, machine: EM_S390, segments }));
  t.same(high.notes, []);
  const { memory } = buildS390xCore({ memoryPages: 2048, layout: 'identity' });
  await using x86 = await openVmcore(
    buildElfCore({ segments: [{ paddr: 0, data: memory.bytes }], notes: [[note]] }),
  );
  t.equal(x86.notes.length, 1);
});
