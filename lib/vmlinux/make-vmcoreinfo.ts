import type { CoreSource } from '../access/open-source.ts';
import { Vmcoreinfo } from '../kernel/vmcoreinfo.ts';
import type { DebugInfoOptions } from './debug-info.ts';
import { identify } from './kernel-identity.ts';
import { withKernelProgram } from './kernel-program.ts';
import { LAYOUT_SYMBOLS, layoutLines } from './layout-lines.ts';
import { readSymbols } from './symbols.ts';

/** How VMCOREINFO is made. */
export type MakeVmcoreinfoOptions = DebugInfoOptions;

/** PAGE_SIZE of the architectures that have only one: of x86_64 and s390x. */
const PAGE_SIZE = 4096;

/**
 * VMCOREINFO of a kernel, made of its vmlinux with debug information, as makedumpfile -g does: its symbols as they are
 * linked, the layouts of its structures, and its numbers. What a kernel finds out when it runs is not in it, such as where
 * it was moved to (KASLR): {@link openVmcore} finds that in the core, where `vmcoreinfo` is such a text.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_FORMAT (no vmlinux, or none with debug information), ERR_VMCORE_ARCH,
 *   ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, ERR_VMCORE_CODEC, ERR_VMCORE_ARGUMENT; the signal's reason.
 */
export async function makeVmcoreinfo(
  vmlinux: CoreSource,
  options: MakeVmcoreinfoOptions = {},
): Promise<Vmcoreinfo> {
  options.signal?.throwIfAborted();
  return withKernelProgram(vmlinux, async (program) => {
    const { osrelease, buildId } = await identify(program);
    const symbols = await readSymbols(program, LAYOUT_SYMBOLS);
    const lines = await layoutLines(program, symbols, options);
    if (buildId) lines.push(`BUILD-ID=${buildId}`);
    return new Vmcoreinfo([`OSRELEASE=${osrelease}`, `PAGESIZE=${PAGE_SIZE}`, ...lines, ''].join('\n'));
  });
}
