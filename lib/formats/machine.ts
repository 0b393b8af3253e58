import type { Note } from './notes.ts';
import { prstatusNotes } from './notes.ts';

/** e_machine by what `uname -m` says (include/uapi/linux/elf-em.h). */
const MACHINES: Readonly<Record<string, number>> = {
  x86_64: 62,
  i386: 3,
  i486: 3,
  i586: 3,
  i686: 3,
  s390: 22,
  s390x: 22,
  aarch64: 183,
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
  ['NUMBER(phys_base)', 62],
  ['SYMBOL(init_top_pgt)', 62],
  ['SYMBOL(init_level4_pgt)', 62],
  ['SYMBOL(lowcore_ptr)', 22],
  ['NUMBER(VA_BITS)', 183],
];

/** sizeof(struct elf_prstatus) where it tells the architecture, with the byte order. */
const PRSTATUS_SIZES: readonly (readonly [size: number, littleEndian: boolean, machine: number])[] = [
  [336, true, 62],
  [336, false, 22],
  [392, true, 183],
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
