import { type CoreSource, openSources, plainSource } from '../access/open-source.ts';
import { architectureName, architectureOf } from '../arch/registry.ts';
import { VmcoreError } from '../errors.ts';
import { type ElfProgram, readElfProgram } from './elf-sections.ts';

/**
 * Opens a vmlinux for as long as `use` takes.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_FORMAT, ERR_VMCORE_ARCH for another architecture than x86_64 and s390x,
 *   ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, ERR_VMCORE_ARGUMENT.
 */
export async function withKernelProgram<T>(
  vmlinux: CoreSource,
  use: (program: ElfProgram) => Promise<T>,
): Promise<T> {
  const [source] = openSources([plainSource(vmlinux)], undefined);
  try {
    const program = readElfProgram(source!);
    requireArchitecture(program);
    return await use(program);
  } finally {
    source!.close();
  }
}

function requireArchitecture({ source, machine, elf }: ElfProgram): void {
  if (architectureOf(machine) && elf.format === 'elf64') return;
  const message = `${source.name}: is a program for ${architectureName(machine)}; kernels of x86_64 and s390x are read`;
  throw new VmcoreError('ERR_VMCORE_ARCH', message, { file: source.name });
}
