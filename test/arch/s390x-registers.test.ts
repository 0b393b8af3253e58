// What a CPU of s390x leaves, and the addresses that are its own.
import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { bundledS390xCore } from '../support/cores.ts';
import { buildElfCore, type CoreNote, EM_S390, pattern } from '../support/elf-builder.ts';
import { attributes } from '../support/libkdumpfile.ts';
import { oracle } from '../support/oracles.ts';

function linux(type: number, hex: string): CoreNote {
  return { name: 'LINUX', type, desc: Buffer.from(hex, 'hex') };
}

/** The notes that QEMU writes for a CPU, in its order; /proc/vmcore has the same in another. */
function cpuNotes(prefix: string): CoreNote[] {
  return [
    { name: 'CORE', type: 1, desc: Buffer.alloc(336) },
    { name: 'CORE', type: 2, desc: Buffer.concat([Buffer.from('00880000', 'hex'), pattern(132)]) },
    linux(0x305, prefix),
    { name: 'LINUX', type: 0x304, desc: pattern(128, 1) },
    linux(0x301, '7ffffff4de0d5424'),
    linux(0x302, '00a5bc6c372df158'),
    linux(0x303, '00000007'),
    { name: 'LINUX', type: 0x309, desc: pattern(128, 2) },
    { name: 'LINUX', type: 0x30a, desc: pattern(256, 3) },
    linux(0x30b, '00000000000000001111111111111111222222222222222233333333'.padEnd(64, '3')),
  ];
}

function open(...prefixes: string[]) {
  return openNotes(prefixes.flatMap(cpuNotes));
}

function openNotes(notes: CoreNote[]) {
  const segments = [{ paddr: 0, vaddr: 0n, data: pattern(8 * 4096) }];
  return openVmcore(buildElfCore({ littleEndian: false, machine: EM_S390, notes: [notes], segments }));
}

function at(bytes: Uint8Array, offset: number, length: number): bigint {
  return BigInt(`0x${Buffer.from(bytes.subarray(offset, offset + length)).toString('hex')}`);
}

t.test('every note of a CPU', async (t) => {
  await using core = await open('00004000');
  const { registers } = core.cpus[0]!;
  const floating = pattern(132);
  const [control, low, high] = [pattern(128, 1), pattern(128, 2), pattern(256, 3)];
  t.match(registers, {
    fpc: 0x880000n,
    f0: at(floating, 4, 8),
    f15: at(floating, 4 + 15 * 8, 8),
    prefix: 0x4000n,
    cr0: at(control, 0, 8),
    cr13: at(control, 13 * 8, 8),
    timer: 0x7ffffff4de0d5424n,
    todcmp: 0xa5bc6c372df158n,
    todpreg: 7n,
    v0: (at(floating, 4, 8) << 64n) | at(low, 0, 8),
    v15: (at(floating, 4 + 15 * 8, 8) << 64n) | at(low, 15 * 8, 8),
    v16: at(high, 0, 16),
    v31: at(high, 15 * 16, 16),
    gsd: 0x1111111111111111n,
    gssm: 0x2222222222222222n,
    gs_epl_a: 0x3333333333333333n,
  });
});

t.test('kernels before 4.13 named all notes CORE', async (t) => {
  const [old, now] = await Promise.all([
    openNotes(cpuNotes('00004000').map((note) => ({ ...note, name: 'CORE' }))),
    open('00004000'),
  ]);
  t.same(old.cpus, now.cpus);
  t.equal(old.realToPhysical(0, 0), 0x4000);
});

t.test('vector registers 0 to 15 without the floating-point registers in them are not known', async (t) => {
  await using core = await openNotes(cpuNotes('00004000').filter(({ type }) => type !== 2));
  const { registers } = core.cpus[0]!;
  t.notOk('f0' in registers || 'v0' in registers || 'v15' in registers);
  t.equal(registers.v16, at(pattern(256, 3), 0, 16));
});

t.test('real addresses: the prefix area and the first 8 KiB change places', async (t) => {
  await using core = await open('00004000', '00006000');
  const cases: [real: number, cpu: number, physical: number][] = [
    [0, 0, 0x4000],
    [0x1fff, 0, 0x5fff],
    [0x2000, 0, 0x2000],
    [0x4000, 0, 0],
    [0x5fff, 0, 0x1fff],
    [0x6000, 0, 0x6000],
    [0x1300, 1, 0x7300],
    [0x4000, 1, 0x4000],
    [0x6300, 1, 0x300],
  ];
  for (const [real, cpu, physical] of cases) {
    t.equal(core.realToPhysical(real, cpu), physical, `0x${real.toString(16)} of CPU ${cpu}`);
  }
});

t.test('of a CPU that left no prefix register, or is none, there are no real addresses', async (t) => {
  const segments = [{ paddr: 0, vaddr: 0n, data: pattern(4096) }];
  const notes = [[{ name: 'CORE', type: 1, desc: Buffer.alloc(336) }]];
  await using bare = await openVmcore(
    buildElfCore({ littleEndian: false, machine: EM_S390, notes, segments }),
  );
  t.throws(() => bare.realToPhysical(0, 0), { code: 'ERR_VMCORE_ARGUMENT', message: /prefix/ });
  t.throws(() => bare.realToPhysical(0, 1), { code: 'ERR_VMCORE_ARGUMENT', message: /1 CPUs/ });
  t.throws(() => bare.realToPhysical(-1, 0), { code: 'ERR_VMCORE_ARGUMENT' });
  await using x86 = await openVmcore(buildElfCore({ notes, segments }));
  t.equal(x86.realToPhysical(0x1300, 0), 0x1300, 'x86_64 has no such addresses');
});

t.test('a real CPU stored in its lowcore what its notes say', async (t) => {
  await using core = await openVmcore((await bundledS390xCore()).path);
  t.equal(core.cpus.length, 1);
  const { registers } = core.cpus[0]!;
  // struct lowcore (arch/s390/include/asm/lowcore.h): where a CPU stores its status
  const lowcore = core.readPhysical(core.realToPhysical(0, 0), 0x2000);
  const stored = (offset: number, name: string, width = 8) => {
    t.equal(registers[name], at(lowcore, offset, width), name);
  };
  for (let i = 0; i < 16; i++) {
    stored(0x1200 + 8 * i, `f${i}`);
    stored(0x1280 + 8 * i, `r${i}`);
    stored(0x1340 + 4 * i, `acr${i}`, 4);
    stored(0x1380 + 8 * i, `cr${i}`);
  }
  stored(0x1300, 'pswm');
  stored(0x1308, 'pswa');
  stored(0x1318, 'prefix', 4);
  stored(0x131c, 'fpc', 4);
  stored(0x1324, 'todpreg', 4);
  stored(0x1328, 'timer');
  t.ok(registers.prefix! > 0n && registers.r15! > 0n);
});

t.test('libkdumpfile reads the same', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const { path } = await bundledS390xCore();
  await using core = await openVmcore(path);
  const theirs = (await attributes(path)).registers;
  t.equal(theirs.length, core.cpus.length);
  for (const [i, values] of theirs.entries()) {
    for (const [name, value] of Object.entries(values)) {
      const ours = core.cpus[i]!.registers[name.replace(/^a(?=\d)/, 'acr')];
      t.equal(ours, BigInt(value), name);
    }
  }
});
