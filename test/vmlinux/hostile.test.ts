// What is no vmlinux, or a damaged one: a coded error that names the file, whatever it is.
import t, { type Test } from 'tap';
import { makeVmcoreinfo, VmcoreError, type VmcoreErrorCode } from '../../lib/index.ts';
import type { Entry } from '../support/dwarf-builder.ts';
import { buildElfCore } from '../support/elf-builder.ts';
import { buildVmlinux, kernelUnits, type VmlinuxShape } from '../support/vmlinux-builder.ts';

const shape: VmlinuxShape = { littleEndian: true, version: 5, wide: false, names: 'strp' };

async function refused(t: Test, bytes: Uint8Array, code: VmcoreErrorCode, message: RegExp): Promise<void> {
  await t.rejects(makeVmcoreinfo(bytes), { name: 'VmcoreError', code, message }, String(message));
}

t.test('what is no vmlinux', async (t) => {
  const format = 'ERR_VMCORE_FORMAT';
  await refused(t, Buffer.alloc(0), format, /is no ELF file/);
  await refused(t, Buffer.from('KDUMP   '), format, /is no ELF file/);
  await refused(t, buildElfCore({ segments: [] }), format, /is an ELF file of type 4, not the vmlinux/);
  await refused(t, buildVmlinux({ ...shape, type: 1 }), format, /ELF file of type 1/);
  await refused(t, buildVmlinux({ ...shape, machine: 183 }), 'ERR_VMCORE_ARCH', /x86_64 and s390x/);
  await refused(t, buildVmlinux({ ...shape, without: ['.symtab'] }), format, /no linux_banner/);
  await refused(t, buildVmlinux({ ...shape, without: ['.rodata'] }), format, /no linux_banner/);
  await refused(t, buildVmlinux({ ...shape, without: ['.debug_info'] }), format, /-dbg or kernel-debuginfo/);
});

t.test('one that is cut off, anywhere', async (t) => {
  const whole = buildVmlinux(shape);
  for (let length = 0; length < whole.length; length += 97) {
    const error: unknown = await makeVmcoreinfo(whole.subarray(0, length)).catch((error) => error);
    t.ok(error instanceof VmcoreError, `${length} bytes: ${String(error)}`);
  }
});

const TAG = { unit: 0x11, structure: 0x13, member: 0x0d, typedef: 0x16 };
const AT = { name: 0x03, size: 0x0b, type: 0x49 };

function unit(...children: Entry[]): Entry {
  return { tag: TAG.unit, attributes: [[AT.name, 'hostile.c']], children };
}

t.test('types that contain themselves', async (t) => {
  const again: Entry = { tag: TAG.member, attributes: [[AT.type, { ref: 'page' }]] };
  const attributes = [
    [AT.name, 'page'],
    [AT.size, 64],
  ] as const;
  const itself: Entry = { tag: TAG.structure, label: 'page', attributes, children: Array(40).fill(again) };
  await refused(
    t,
    buildVmlinux({ ...shape, units: [unit(itself)] }),
    'ERR_VMCORE_CORRUPT',
    /struct page has no end/,
  );
  const alias: Entry = {
    tag: TAG.typedef,
    label: 'a',
    attributes: [
      [AT.name, 'nodemask_t'],
      [AT.type, { ref: 'a' }],
    ],
  };
  const units = [unit(alias), ...kernelUnits(5)];
  t.equal(
    (await makeVmcoreinfo(buildVmlinux({ ...shape, units }))).size('nodemask_t'),
    128,
    'the sound one counts',
  );
});

/** Where a section begins in a built file, and its header. */
function sectionAt(bytes: Buffer, name: string): { offset: number; header: number } {
  const shoff = Number(bytes.readBigUInt64LE(40));
  const count = bytes.readUInt16LE(60);
  const header = (i: number) => shoff + i * 64;
  const names = Number(bytes.readBigUInt64LE(header(count - 1) + 24));
  for (let i = 1; i < count; i++) {
    const at = names + bytes.readUInt32LE(header(i));
    if (bytes.toString('latin1', at, bytes.indexOf(0, at)) === name) {
      return { offset: Number(bytes.readBigUInt64LE(header(i) + 24)), header: header(i) };
    }
  }
  throw new Error(`no section ${name}`);
}

t.test('headers that lie', async (t) => {
  const corrupt = 'ERR_VMCORE_CORRUPT';
  const change = (of: VmlinuxShape, edit: (bytes: Buffer) => void): Buffer => {
    const bytes = buildVmlinux(of);
    edit(bytes);
    return bytes;
  };
  const infoAt = (bytes: Buffer) => sectionAt(bytes, '.debug_info');
  const edits: [VmlinuxShape, (bytes: Buffer) => void, VmcoreErrorCode, RegExp][] = [
    [shape, (b) => b.writeUInt32LE(0xfffffff1, infoAt(b).offset), corrupt, /unit of length 0xfffffff1/],
    [shape, (b) => b.writeUInt32LE(0x7fffffff, infoAt(b).offset), corrupt, /unit of 2147483647 bytes/],
    [shape, (b) => b.writeUInt32LE(1 << 20, infoAt(b).offset), corrupt, /claims 1048576 bytes/],
    [shape, (b) => b.writeUInt32LE(1, infoAt(b).offset), corrupt, /unit of 1 bytes in .debug_info, too few/],
    [shape, (b) => b.writeUInt16LE(6, infoAt(b).offset + 4), 'ERR_VMCORE_FORMAT', /DWARF 6; 2 to 5 are read/],
    [
      shape,
      (b) => b.writeUInt32LE(1 << 30, infoAt(b).offset + 8),
      corrupt,
      /the unit at 0 of .debug_info is damaged/,
    ],
    [shape, (b) => b.writeUInt16LE(60, 58), corrupt, /section headers of 60 bytes/],
    [shape, (b) => b.writeBigUInt64LE(1n << 60n, 40), corrupt, /e_shoff = 0x1000000000000000/],
    [shape, (b) => b.writeUInt16LE(999, 62), corrupt, /no section with the names/],
    [
      shape,
      (b) => b.writeBigUInt64LE(1n << 40n, infoAt(b).header + 32),
      'ERR_VMCORE_TRUNCATED',
      /beyond its end/,
    ],
    [
      { ...shape, isCompressed: true },
      (b) => b.writeUInt32LE(9, infoAt(b).offset),
      corrupt,
      /compression 9, which is not known/,
    ],
    [
      { ...shape, isCompressed: true },
      (b) => b.writeBigUInt64LE(1n << 45n, sectionAt(b, '.debug_abbrev').offset + 8),
      corrupt,
      /35184372088832 bytes in .debug_abbrev; \d+ are read/,
    ],
    [
      { ...shape, isCompressed: true },
      (b) => b.writeBigUInt64LE(5000n, sectionAt(b, '.debug_abbrev').offset + 8),
      corrupt,
      /.debug_abbrev has fewer bytes/,
    ],
    [
      { ...shape, isCompressed: true },
      (b) => b.fill(0xff, infoAt(b).offset + 24, infoAt(b).offset + 40),
      corrupt,
      /.debug_info can't be decompressed/,
    ],
  ];
  for (const [of, edit, code, message] of edits) await refused(t, change(of, edit), code, message);
});

t.test('damage behind what is needed', async (t) => {
  const names = Array.from({ length: 9000 }, (_, i) => ({
    tag: 0x34,
    attributes: [[AT.name, `variable${(i * 7919) % 100003}`]] as const,
  }));
  const of = { ...shape, isCompressed: true, units: [...kernelUnits(5), unit(...names)] };
  for (let cut = 1; cut < 6000; cut += 500) {
    const bytes = buildVmlinux(of);
    const { offset } = sectionAt(bytes, '.debug_abbrev');
    bytes.fill(0xff, offset - cut, offset);
    const result = await makeVmcoreinfo(bytes).catch((error: unknown) => error);
    t.ok(result instanceof VmcoreError || !(result instanceof Error), String(cut));
  }
});

t.test('it ends when it is asked to', async (t) => {
  const reason = new Error('enough');
  await t.rejects(makeVmcoreinfo(buildVmlinux(shape), { signal: AbortSignal.abort(reason) }), reason);
  const onProgress = (): void => {
    throw reason;
  };
  await t.rejects(makeVmcoreinfo(buildVmlinux(shape), { onProgress }), reason);
});
