import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Architecture, KernelFacts, KernelPlace, Relocation } from '../arch/arch.ts';
import { isLostData, isVmcoreError } from '../errors.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { releaseAddress } from './utsname.ts';
import type { Vmcoreinfo } from './vmcoreinfo.ts';

/** Places that are looked at before others get a turn. */
const PLACES_IN_A_TURN = 256;
/** Of places with the right release, as many are tried: copies of a kernel's data are few. */
const TRIED_LIMIT = 64;

/**
 * Finds the kernel of which `linked` tells, with the addresses that it was linked for: where it left word of its place, else
 * in all of memory. Its release is where it should be, and its page tables map its code to where that lies. Undefined when
 * there is none, or when it can't be found on this architecture.
 * @throws the signal's reason.
 */
export async function findKernel(
  memory: PhysicalMemory,
  linked: Vmcoreinfo,
  architecture: Architecture,
  signal?: AbortSignal,
): Promise<KernelPlace | undefined> {
  const name = releaseAddress(linked);
  if (name === undefined) return undefined;
  const release = Buffer.from(`${linked.osrelease}\0`);
  const found = Buffer.alloc(release.length);
  const isThere = (paddr: number) => canRead(memory, paddr, found) && found.equals(release);
  const left = architecture.leftPlace?.(linked, (paddr) => memory.u64(paddr));
  if (left) return isThere(left.physical(name + left.offset)) ? left : undefined;
  const { relocation } = architecture;
  if (!relocation) return undefined;
  const linkedAt = Number(name - relocation.linkBase);
  let looked = 0;
  let tried = 0;
  for (const paddr of places(memory, linkedAt, relocation.step)) {
    if (looked++ % PLACES_IN_A_TURN === 0) {
      await nextTurn();
      signal?.throwIfAborted();
    }
    if (!isThere(paddr)) continue;
    if (tried++ === TRIED_LIMIT) return undefined;
    const place = await placeByTables(memory, linked, architecture, relocation, paddr - linkedAt);
    if (place) return place;
  }
  return undefined;
}

/** Where it can have been moved to in physical memory, of which the core has data. */
function* places({ extents }: PhysicalMemory, linkedAt: number, step: number): Generator<number> {
  const { count, start, end, offset } = extents;
  for (let i = 0; i < count; i++) {
    if (offset[i]! < 0) continue;
    const first = linkedAt + Math.ceil((start[i]! - linkedAt) / step) * step;
    for (let paddr = first; paddr < end[i]!; paddr += step) yield paddr;
  }
}

function canRead(memory: PhysicalMemory, paddr: number, into: Buffer): boolean {
  try {
    memory.read(paddr, into);
    return true;
  } catch (error) {
    if (isLostData(error)) return false;
    throw error;
  }
}

/** By how much it was moved in virtual memory, if by `moved` in physical memory: what its page tables map to its code. */
async function placeByTables(
  memory: PhysicalMemory,
  linked: Vmcoreinfo,
  { pageTables }: Architecture,
  { linkBase, step, virtualLimit, pageTableFacts }: Relocation,
  moved: number,
): Promise<KernelPlace | undefined> {
  const text = linked.symbol('_stext');
  if (text === undefined) return undefined;
  const readEntry = (paddr: number) => memory.u64(paddr);
  for (const numbers of pageTableFacts) {
    await nextTurn();
    for (let offset = 0; offset < virtualLimit; offset += step) {
      const physBase = moved - offset;
      const space = pageTables(movedFacts(linked, offset, numbers), physBase, readEntry);
      const paddr = space && translated(() => space.translate(text + BigInt(offset)).paddr);
      if (paddr === Number(text - linkBase) + moved) return placeAt(offset, physBase, numbers);
    }
  }
  return undefined;
}

function placeAt(offset: number, physBase: number, numbers: Readonly<Record<string, number>>): KernelPlace {
  const facts = { phys_base: physBase, ...numbers };
  const lines = Object.entries(facts).map(([name, value]) => [`NUMBER(${name})`, String(value)]);
  return {
    offset: BigInt(offset),
    exported: { KERNELOFFSET: offset.toString(16), ...Object.fromEntries(lines) },
  };
}

function translated(translate: () => number): number | undefined {
  try {
    return translate();
  } catch (error) {
    if (isLostData(error) || isVmcoreError(error, 'ERR_VMCORE_UNMAPPED')) return undefined;
    throw error;
  }
}

function movedFacts(
  linked: Vmcoreinfo,
  offset: number,
  numbers: Readonly<Record<string, number>>,
): KernelFacts {
  return {
    symbol(name) {
      const address = linked.symbol(name);
      return address === undefined ? undefined : address + BigInt(offset);
    },
    number: (name) => numbers[name],
    bignum: (name) => (numbers[name] === undefined ? undefined : BigInt(numbers[name])),
    address: () => undefined,
  };
}
