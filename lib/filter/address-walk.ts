import type { AddressSpace, WalkStep } from '../arch/arch.ts';
import { VmcoreError } from '../errors.ts';
import type { Segment } from '../formats/core-file.ts';
import { type Extents, findExtent } from '../formats/extents.ts';
import type { CorePages } from './core-pages.ts';
import { LEVEL_MAX } from './dump-level.ts';
import type { PageExplanation } from './explain.ts';

/** Where a virtual address leads, step by step. */
export interface AddressWalk {
  readonly vaddr: bigint;
  /** The page-table entries on the way, the top level first; none where program headers tell. */
  readonly steps: readonly WalkStep[];
  /** Physical address in bytes; undefined when it leads nowhere. */
  readonly paddr: number | undefined;
  /** Why it leads nowhere: ERR_VMCORE_UNMAPPED, or ERR_VMCORE_NOT_PRESENT where a table is not in the core. */
  readonly problem: VmcoreError | undefined;
  /** What lies there. */
  readonly page: PhysicalPage | undefined;
}

/** A page of physical memory, as the core and its kernel have it. */
export interface PhysicalPage {
  readonly pfn: number;
  /** File offset of the byte that was asked for; undefined where it has none, or the page is compressed. */
  readonly offset: number | undefined;
  /** The PT_LOADs that have it, by their index in `core.segments`. */
  readonly segments: readonly number[];
  /** Virtual address of its struct page; undefined where it is not known. */
  readonly structPage: bigint | undefined;
  /** Whether a dump of level 31 keeps it, and why; with what its struct page says. */
  readonly explanation: PageExplanation;
}

/** The core that addresses are looked up in. */
export interface WalkedCore {
  readonly pages: CorePages;
  readonly extents: Extents;
  readonly segments: readonly Segment[];
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Whether extents have offsets in the file. */
  readonly isPlain: boolean;
}

/** Follows a virtual address as far as it leads. @throws what reading the core throws, but for what is not in it. */
export function walkAddress(core: WalkedCore, space: AddressSpace, vaddr: bigint): AddressWalk {
  const steps: WalkStep[] = [];
  try {
    for (const step of space.walk(vaddr)) steps.push(step);
    const { paddr } = space.translate(vaddr);
    return { vaddr, steps, paddr, problem: undefined, page: physicalPage(core, paddr) };
  } catch (problem) {
    if (!(problem instanceof VmcoreError) || !LEADS_NOWHERE.has(problem.code)) throw problem;
    return { vaddr, steps, paddr: undefined, problem, page: undefined };
  }
}

const LEADS_NOWHERE: ReadonlySet<string> = new Set(['ERR_VMCORE_UNMAPPED', 'ERR_VMCORE_NOT_PRESENT']);

function physicalPage(
  { pages, extents, segments, pageSize, isPlain }: WalkedCore,
  paddr: number,
): PhysicalPage {
  const pfn = Math.floor(paddr / pageSize);
  return {
    pfn,
    offset: isPlain ? offsetOf(extents, paddr) : undefined,
    segments: segments.flatMap((segment, i) => (covers(segment, paddr) ? [i] : [])),
    structPage: pages.structPageAddress(pfn),
    explanation: pages.explain(pfn, LEVEL_MAX),
  };
}

function offsetOf(extents: Extents, paddr: number): number | undefined {
  const { count, start, offset } = extents;
  const i = findExtent(extents, paddr);
  if (i >= count || start[i]! > paddr || offset[i]! < 0) return undefined;
  return offset[i]! + (paddr - start[i]!);
}

function covers({ paddr: start, memSize }: Segment, paddr: number): boolean {
  return start !== undefined && paddr >= start && paddr < start + memSize;
}
