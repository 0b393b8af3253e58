import { encodeNote } from './notes.ts';

/** Bytes of a prefix area (z/Architecture Principles of Operation, Prefixing). */
export const PREFIX_BYTES = 0x2000;

/** A note of a CPU: which bytes of its lowcore go where in the descriptor. */
interface StoredNote {
  readonly name: string;
  readonly type: number;
  readonly bytes: number;
  readonly parts: readonly { readonly from: number; readonly to: number; readonly length: number }[];
}

/**
 * Where a CPU stores its status (struct lowcore, arch/s390/include/asm/lowcore.h), and the notes that the kernel makes of
 * it (arch/s390/kernel/crash_dump.c; types: include/uapi/linux/elf.h). Vector registers are elsewhere.
 */
const NOTES: readonly StoredNote[] = [
  {
    name: 'CORE',
    type: 1, // NT_PRSTATUS: PSW, general and access registers
    bytes: 336,
    parts: [
      { from: 0x1300, to: 112, length: 16 },
      { from: 0x1280, to: 128, length: 128 },
      { from: 0x1340, to: 256, length: 64 },
    ],
  },
  {
    name: 'CORE',
    type: 2, // NT_PRFPREG
    bytes: 136,
    parts: [
      { from: 0x131c, to: 0, length: 4 },
      { from: 0x1200, to: 8, length: 128 },
    ],
  },
  { name: 'LINUX', type: 0x301, bytes: 8, parts: [{ from: 0x1328, to: 0, length: 8 }] }, // CPU timer
  { name: 'LINUX', type: 0x302, bytes: 8, parts: [{ from: 0x1330, to: 0, length: 8 }] }, // clock comparator
  { name: 'LINUX', type: 0x303, bytes: 4, parts: [{ from: 0x1324, to: 0, length: 4 }] }, // TOD programmable register
  { name: 'LINUX', type: 0x304, bytes: 128, parts: [{ from: 0x1380, to: 0, length: 128 }] }, // control registers
];
const NT_S390_PREFIX = 0x305;
/** Offset of pr_pid in struct elf_prstatus (include/linux/elfcore.h): the kernel puts the CPU's number there. */
const PR_PID = 32;

/** The notes of a CPU, by its number from 1 on, its prefix register and the prefix area. */
export function cpuNotes(cpu: number, prefix: number, area: Uint8Array): Uint8Array {
  const notes = NOTES.map(({ name, type, bytes, parts }, i) => {
    const desc = new Uint8Array(bytes);
    for (const { from, to, length } of parts) desc.set(area.subarray(from, from + length), to);
    if (i === 0) new DataView(desc.buffer).setInt32(PR_PID, cpu);
    return encodeNote(name, type, desc, false);
  });
  const register = new Uint8Array(4);
  new DataView(register.buffer).setUint32(0, prefix);
  return Buffer.concat([...notes, encodeNote('LINUX', NT_S390_PREFIX, register, false)]);
}
