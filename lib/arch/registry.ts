import type { Architecture } from './arch.ts';
import { s390x } from './s390x.ts';
import { x86_64 } from './x86_64.ts';

/** The architectures whose page tables and registers are read: a new one is a file and its name here. */
const ARCHITECTURES: readonly Architecture[] = [x86_64, s390x];

/** Names of the other e_machine values that Linux dumps have (include/uapi/linux/elf-em.h). */
const OTHER_MACHINES: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  40: 'arm',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};

/** The architecture of a core, if it is known here. */
export function architectureOf(machine: number): Architecture | undefined {
  return ARCHITECTURES.find((architecture) => architecture.machine === machine);
}

/** What the architecture of a core is called; `machine N` for one that has no name here. */
export function architectureName(machine: number): string {
  return architectureOf(machine)?.name ?? OTHER_MACHINES[machine] ?? `machine ${machine}`;
}
