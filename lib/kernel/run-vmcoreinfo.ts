import type { Architecture } from '../arch/arch.ts';
import { VmcoreError } from '../errors.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { findKernel } from './find-kernel.ts';
import { Vmcoreinfo } from './vmcoreinfo.ts';

/**
 * A text of VMCOREINFO as the kernel in memory would have exported it. One made of a vmlinux has the addresses that the
 * kernel was linked for, and nothing of what it found out when it ran: that is taken from its `own`, or found in memory.
 * The text stays as it is where it comes from a kernel that ran (it has KERNELOFFSET), where it can't be understood, and
 * where there is no such kernel.
 * @throws the signal's reason.
 */
export async function vmcoreinfoOfRun(
  text: string,
  own: Vmcoreinfo | undefined,
  memory: PhysicalMemory,
  architecture: Architecture,
  signal?: AbortSignal,
): Promise<string> {
  const linked = parsed(text);
  if (!linked || linked.address('KERNELOFFSET') !== undefined) return text;
  if (own?.osrelease === linked.osrelease) return completed(linked, own);
  const place = await findKernel(memory, linked, architecture, signal);
  if (!place) return text;
  const exported = Object.entries(place.exported).map(([key, value]) => `${key}=${value}`);
  return [...movedLines(linked, place.offset), ...exported, ''].join('\n');
}

function parsed(text: string): Vmcoreinfo | undefined {
  try {
    return new Vmcoreinfo(text);
  } catch (error) {
    if (error instanceof VmcoreError) return undefined;
    throw error;
  }
}

/** What the core's own has and the other has not is added to it. */
function completed(linked: Vmcoreinfo, own: Vmcoreinfo): string {
  const [from, to] = [linked.symbol('_stext'), own.symbol('_stext')];
  const moved = movedLines(linked, from === undefined || to === undefined ? 0n : to - from);
  const added = [...own.entries()].filter(([key]) => linked.get(key) === undefined);
  return [...moved, ...added.map(([key, value]) => `${key}=${value}`), ''].join('\n');
}

function movedLines(linked: Vmcoreinfo, offset: bigint): string[] {
  return [...linked.entries()].map(([key, value]) => {
    const name = /^SYMBOL\((.+)\)$/.exec(key)?.[1];
    const address = name === undefined ? undefined : linked.symbol(name);
    return address === undefined
      ? `${key}=${value}`
      : `${key}=${BigInt.asUintN(64, address + offset).toString(16)}`;
  });
}
