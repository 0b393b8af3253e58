// Virtual addresses of every kind in a real core.
import type { Vmcore } from '../../lib/index.ts';

const modules = 0xffffffffc0000000n;
const modulesEnd = 0xffffffffff000000n;

/** The first address of a range that is mapped, looked for page by page. */
export function firstMapped(core: Vmcore, from: bigint, end: bigint, root?: bigint): bigint {
  for (let vaddr = from; vaddr < end; ) {
    const { problem, steps } = core.vtop(vaddr, { root });
    if (!problem) return vaddr;
    const bytes = BigInt(steps.at(-1)!.bytes);
    vaddr += bytes - (vaddr % bytes);
  }
  throw new Error(`nothing is mapped from ${from.toString(16)} on`);
}

/** An address of each kind of kernel memory, and some that lead nowhere. */
export async function kernelAddresses(core: Vmcore): Promise<Record<string, bigint>> {
  const [panic] = await core.findSymbols('panic');
  const [task] = await core.findSymbols('init_task');
  const direct = core.segments.at(-1)!;
  const middle = direct.vaddr + BigInt(Math.floor(direct.memSize / 2) & ~7);
  return {
    text: panic!.address,
    data: task!.address + 8n,
    'direct map': middle,
    'its last byte': direct.vaddr + BigInt(direct.memSize) - 1n,
    'a stack, in vmalloc space': BigInt(core.cpus[0]!.registers.rsp!),
    vmemmap: core.vtop(middle).page!.structPage!,
    'a module': firstMapped(core, modules, modulesEnd),
    nothing: 0xffffffff00000000n,
  };
}
