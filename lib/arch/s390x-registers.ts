import { PREFIX_BYTES } from '../formats/s390-cpu-notes.ts';
import type { CpuRegisters, RegisterLayout } from './registers.ts';

/**
 * Notes of a CPU (include/uapi/linux/elf.h), in the order in which arch/s390/kernel/crash_dump.c writes them. Their types
 * alone tell them apart: before 4.13 the kernel named all of them CORE. Vector registers 0 to 15 are twice as wide as the
 * floating-point registers, which are their upper halves.
 */
export const registers: RegisterLayout = {
  // s390_regs (arch/s390/include/uapi/asm/ptrace.h) in elf_prstatus.
  prstatus: [
    { offset: 112, bytes: 8, names: ['pswm', 'pswa', ...numbered('r')] },
    { offset: 256, bytes: 4, names: numbered('acr') },
    { offset: 320, bytes: 8, names: ['orig_gpr2'] },
  ],
  notes: [
    {
      type: 2, // NT_PRFPREG: s390_fp_regs
      words: [
        { offset: 0, bytes: 4, names: ['fpc'] },
        { offset: 8, bytes: 8, names: numbered('f') },
      ],
    },
    { type: 0x301, words: [{ offset: 0, bytes: 8, names: ['timer'] }] },
    { type: 0x302, words: [{ offset: 0, bytes: 8, names: ['todcmp'] }] },
    { type: 0x303, words: [{ offset: 0, bytes: 4, names: ['todpreg'] }] },
    { type: 0x304, words: [{ offset: 0, bytes: 8, names: numbered('cr') }] },
    { type: 0x305, words: [{ offset: 0, bytes: 4, names: ['prefix'] }] },
    { type: 0x306, words: [{ offset: 0, bytes: 8, names: ['last_break'] }] },
    {
      type: 0x309, // NT_S390_VXRS_LOW
      words: [{ offset: 0, bytes: 8, names: numbered('v'), upper: numbered('f') }],
    },
    { type: 0x30a, words: [{ offset: 0, bytes: 16, names: numbered('v', 16) }] }, // NT_S390_VXRS_HIGH
    // struct gs_cb (arch/s390/include/uapi/asm/guarded_storage.h)
    { type: 0x30b, words: [{ offset: 8, bytes: 8, names: ['gsd', 'gssm', 'gs_epl_a'] }] },
  ],
};

function numbered(name: string, first = 0): string[] {
  return Array.from({ length: 16 }, (_, i) => `${name}${first + i}`);
}

/**
 * The absolute address of a CPU's real one: its first 8 KiB are those that its prefix register points to, and there
 * are the first 8 KiB of memory instead. Undefined when the CPU left no prefix register.
 */
export function absoluteAddress(cpu: CpuRegisters, real: number): number | undefined {
  const prefix = cpu.registers.prefix;
  if (prefix === undefined) return undefined;
  const area = Number(prefix) - (Number(prefix) % PREFIX_BYTES);
  if (real < PREFIX_BYTES) return area + real;
  return real >= area && real < area + PREFIX_BYTES ? real - area : real;
}
