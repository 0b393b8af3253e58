import { encodeNote, PR_PID } from './notes.ts';

/** Bytes of a CPU's prefix area, which its lowcore is in (z/Architecture Principles of Operation, Prefixing). */
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
 * it (arch/s390/kernel/crash_dump.c; types: include/uapi/linux/elf.h).
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
/** Notes that are not copied from the lowcore as they are (include/uapi/linux/elf.h). */
const NT_S390_PREFIX = 0x305;
const NT_S390_VXRS_LOW = 0x309;
const NT_S390_VXRS_HIGH = 0x30a;

/** Where the lowcore has the address of the vector registers (struct lowcore: mcesad). */
const VECTORS_POINTER = 0x11b0;
/** What the stand-alone dumper requires of it (s390-tools, zipl/boot/stage2dump.c: should_dump_vx()). */
const VECTORS_ALIGNMENT = 1024;
const VECTOR_BYTES = 16;
const VECTORS = 32;

/** A CPU as a stand-alone dump has it. */
export interface StoredCpu {
  /** Its number, from 1 on. */
  readonly cpu: number;
  /** Its prefix register. */
  readonly prefix: number;
  /** The prefix area. */
  readonly area: Uint8Array;
  /** Vector registers 0 to 31. */
  readonly vectors: Uint8Array | undefined;
}

/** The notes of a CPU, in the kernel's order. */
export function cpuNotes({ cpu, prefix, area, vectors }: StoredCpu): Uint8Array {
  const notes = NOTES.map(({ name, type, bytes, parts }, i) => {
    const desc = new Uint8Array(bytes);
    for (const { from, to, length } of parts) desc.set(area.subarray(from, from + length), to);
    // The kernel puts the CPU's number there.
    if (i === 0) new DataView(desc.buffer).setInt32(PR_PID, cpu);
    return encodeNote(name, type, desc, false);
  });
  const register = new Uint8Array(4);
  new DataView(register.buffer).setUint32(0, prefix);
  notes.push(encodeNote('LINUX', NT_S390_PREFIX, register, false));
  return Buffer.concat(vectors ? [...notes, ...vectorNotes(vectors)] : notes);
}

/** The registers that a prefix area points to; undefined where it does not, or they are not in the dump. */
export function readVectorRegisters(
  area: Uint8Array,
  read: (address: number, length: number) => Uint8Array | undefined,
): Uint8Array | undefined {
  const address = Number(new DataView(area.buffer, area.byteOffset).getBigUint64(VECTORS_POINTER));
  if (address === 0 || address % VECTORS_ALIGNMENT !== 0) return undefined;
  return read(address, VECTORS * VECTOR_BYTES);
}

/** The upper halves of registers 0 to 15 are the floating-point registers, which have a note. */
function vectorNotes(vectors: Uint8Array): Uint8Array[] {
  const half = VECTORS / 2;
  const low = new Uint8Array((half * VECTOR_BYTES) / 2);
  for (let i = 0; i < half; i++) {
    const end = (i + 1) * VECTOR_BYTES;
    low.set(vectors.subarray(end - VECTOR_BYTES / 2, end), (i * VECTOR_BYTES) / 2);
  }
  return [
    encodeNote('LINUX', NT_S390_VXRS_HIGH, vectors.subarray(half * VECTOR_BYTES), false),
    encodeNote('LINUX', NT_S390_VXRS_LOW, low, false),
  ];
}
