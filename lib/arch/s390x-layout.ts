import type { KernelFacts, LeftPlace, ReadEntry } from './arch.ts';
import { findOsInfo, OS_INFO, type OsInfo } from './s390x-os-info.ts';
import type { LinearRange } from './segment-space.ts';

/** The lowcore is mapped to itself (arch/s390/include/asm/lowcore.h: two pages). */
const LOWCORE_BYTES = 0x2000n;

/** Where the kernel's own addresses lie. */
export interface KernelLayout {
  /** Virtual address of physical address 0. */
  readonly identityBase: bigint;
  /** Where the kernel image begins: in virtual and in physical memory. */
  readonly image: bigint;
  readonly imagePhysical: bigint;
  /** Code and data that run in 31-bit mode are mapped to themselves, from `amode31` to before `amode31End`. */
  readonly amode31: bigint;
  readonly amode31End: bigint;
}

/** Before Linux 6.10 kernel addresses are physical addresses. */
const PHYSICAL: KernelLayout = {
  identityBase: 0n,
  image: 0n,
  imagePhysical: 0n,
  amode31: 0n,
  amode31End: 0n,
};

/**
 * The layout that the kernel exported: in VMCOREINFO, else in os_info, which stand-alone dumpers read. VMCOREINFO that
 * does not tell is of a kernel before 6.10. Undefined where there is neither.
 */
export function findKernelLayout(
  facts: KernelFacts | undefined,
  readEntry: ReadEntry,
): KernelLayout | undefined {
  const exported = facts && exportedLayout(facts);
  return exported ?? layoutOf(findOsInfo(readEntry)) ?? (facts && PHYSICAL);
}

/** What VMCOREINFO tells of it (arch/s390/kernel/setup.c). */
function exportedLayout(facts: KernelFacts): KernelLayout | undefined {
  const identityBase = facts.address('IDENTITYBASE');
  const image = facts.address('KERNELOFFSET');
  const imagePhysical = facts.address('KERNELOFFPHYS');
  if (identityBase === undefined || image === undefined || imagePhysical === undefined) return undefined;
  const amode31 = facts.address('SAMODE31') ?? 0n;
  return { identityBase, image, imagePhysical, amode31, amode31End: facts.address('EAMODE31') ?? amode31 };
}

function layoutOf(value: OsInfo | undefined): KernelLayout | undefined {
  if (!value) return undefined;
  const image = value(OS_INFO.kaslrOffset);
  // Kernels that know no such entries leave them zero.
  if (image === 0n) return PHYSICAL;
  return {
    identityBase: value(OS_INFO.identityBase),
    image,
    imagePhysical: value(OS_INFO.kaslrOffsetPhys),
    amode31: value(OS_INFO.amode31Start),
    amode31End: value(OS_INFO.amode31End),
  };
}

/** Bytes of the largest top table: 2048 entries. */
const TOP_TABLE_BYTES = 16384n;
/** No kernel's image is as large. In bytes. */
const IMAGE_LIMIT = 1n << 31n;

/**
 * The kernel's image, from _stext on, where it has addresses of its own: to its end, which os_info tells, or at least to
 * that of its top page table. What is before _stext may be another's (arch/s390/boot/startup.c).
 */
export function kernelImage(facts: KernelFacts, readEntry: ReadEntry): LinearRange | undefined {
  const layout = findKernelLayout(facts, readEntry);
  const start = facts.symbol('_stext');
  const top = facts.symbol('swapper_pg_dir');
  if (!layout || layout === PHYSICAL || start === undefined || top === undefined) return undefined;
  const osInfo = findOsInfo(readEntry);
  const isTold = osInfo?.(OS_INFO.imageStart) === start;
  const end = isTold ? osInfo!(OS_INFO.imageEnd) : top + TOP_TABLE_BYTES;
  if (start < layout.image || end <= start || end - start > IMAGE_LIMIT) return undefined;
  return { vaddr: start, paddr: physicalOfKernel(layout, start), size: Number(end - start) };
}

/** The physical address of something in the kernel: image, 31-bit code, lowcore, or the identity mapping. */
export function physicalOfKernel(layout: KernelLayout, vaddr: bigint): number {
  if (vaddr < LOWCORE_BYTES || (vaddr >= layout.amode31 && vaddr < layout.amode31End)) return Number(vaddr);
  if (vaddr >= layout.image) return Number(vaddr - layout.image + layout.imagePhysical);
  return Number(BigInt.asUintN(64, vaddr - layout.identityBase));
}

/** What os_info tells of a kernel that was moved. */
export function leftPlace(linked: KernelFacts, readEntry: ReadEntry): LeftPlace | undefined {
  const osInfo = findOsInfo(readEntry);
  const layout = layoutOf(osInfo);
  const linkedAt = linked.symbol('_stext');
  if (!layout || layout === PHYSICAL || linkedAt === undefined) return undefined;
  const exported = {
    KERNELOFFSET: layout.image.toString(16),
    KERNELOFFPHYS: layout.imagePhysical.toString(16),
    IDENTITYBASE: layout.identityBase.toString(16),
    SAMODE31: layout.amode31.toString(16),
    EAMODE31: layout.amode31End.toString(16),
  };
  const offset = osInfo!(OS_INFO.imageStart) - linkedAt;
  return { offset, exported, physical: (vaddr) => physicalOfKernel(layout, vaddr) };
}
