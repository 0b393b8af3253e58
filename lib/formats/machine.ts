import type { Note } from './notes.ts';
import { prstatusNotes } from './notes.ts';

/** e_machine (include/uapi/linux/elf-em.h). */
export const EM_S390 = 22;
export const EM_X86_64 = 62;
const EM_AARCH64 = 183;

/**
 * Physical addresses have at most 52 bits on x86_64 (Intel SDM 3, 4.1.4) and arm64 (LPA), and s390x machines have less
 * memory. In bytes.
 */
export const PADDR_LIMIT = 2 ** 52;

/** Bytes of a page: 4 KiB to 64 KiB on 64-bit machines, 256 KiB on some ppc (CONFIG_PAGE_SHIFT, arch/Kconfig). */
export function isPageSize(size: number): boolean {
  return Number.isInteger(size) && size >= 4096 && size <= 262144 && (size & (size - 1)) === 0;
}

/** e_machine by what `uname -m` says (include/uapi/linux/elf-em.h). */
const MACHINES: Readonly<Record<string, number>> = {
  x86_64: EM_X86_64,
  i386: 3,
  i486: 3,
  i586: 3,
  i686: 3,
  s390: EM_S390,
  s390x: EM_S390,
  aarch64: EM_AARCH64,
  ppc: 20,
  ppc64: 21,
  ppc64le: 21,
  riscv64: 243,
  loongarch64: 258,
  mips: 8,
  mips64: 8,
};

/** Keys that only one architecture exports (Documentation/admin-guide/kdump/vmcoreinfo.rst). */
const TELLING_KEYS: readonly (readonly [key: string, machine: number])[] = [
  ['NUMBER(phys_base)', EM_X86_64],
  ['SYMBOL(init_top_pgt)', EM_X86_64],
  ['SYMBOL(init_level4_pgt)', EM_X86_64],
  ['SYMBOL(lowcore_ptr)', EM_S390],
  ['NUMBER(VA_BITS)', EM_AARCH64],
];

/** sizeof(struct elf_prstatus) (include/linux/elfcore.h) where it tells the architecture, with the byte order. */
const PRSTATUS_SIZES: readonly (readonly [size: number, littleEndian: boolean, machine: number])[] = [
  [336, true, EM_X86_64],
  [336, false, EM_S390],
  [392, true, EM_AARCH64],
];

/** What tells the architecture in a dump that does not say it. */
export interface MachineClues {
  /** utsname.machine; empty where it is not known. */
  readonly uname: string;
  /** The text of VMCOREINFO. */
  readonly vmcoreinfo: string;
  readonly notes: readonly Note[];
  readonly littleEndian: boolean;
}

/** e_machine of a dump that has no such field; 0 (EM_NONE) where nothing tells it. */
export function machineOf({ uname, vmcoreinfo, notes, littleEndian }: MachineClues): number {
  if (uname.startsWith('arm')) return 40;
  const named = Object.hasOwn(MACHINES, uname) ? MACHINES[uname] : undefined;
  if (named !== undefined) return named;
  const telling = TELLING_KEYS.find(([key]) => vmcoreinfo.includes(`\n${key}=`));
  if (telling) return telling[1];
  const size = prstatusNotes(notes)[0]?.desc.length;
  return PRSTATUS_SIZES.find(([bytes, little]) => bytes === size && little === littleEndian)?.[2] ?? 0;
}
