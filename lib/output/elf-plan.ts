import { VmcoreError } from '../errors.ts';
import { PageBitmap } from '../filter/bitmap.ts';
import { MOST_COPIES, type Segment } from '../formats/core-file.ts';
import { Turns } from '../turns.ts';

/** Shorter runs of excluded pages are written all the same (makedumpfile.h: PFN_EXCLUDED). */
const SHORTEST_CUT = 256;

/** A PT_LOAD of a dump. */
export interface ElfLoad {
  readonly paddr: number;
  readonly vaddr: bigint;
  /** p_flags. */
  readonly flags: number;
  /** p_align. */
  readonly align: bigint;
  /** Where its data lies in the data of all loads, in bytes; -1 when p_offset is 0, because there is no data. */
  readonly offset: number;
  /** Bytes of data. */
  readonly fileSize: number;
  /** Bytes of memory: what exceeds `fileSize` was excluded. */
  readonly memSize: number;
}

/** What a dump in ELF format consists of. */
export interface ElfPlan {
  /** In the order of the segments that they are parts of. Overlapping segments have loads that overlap. */
  readonly loads: readonly ElfLoad[];
  /** Pages whose data is written: those that are kept, and short runs between them. */
  readonly pages: PageBitmap;
  /** Bytes of the data of all loads. */
  readonly dataSize: number;
}

/** What is written, and what must not be. */
export interface ElfPages {
  /** Bytes of a page. */
  readonly pageSize: number;
  readonly kept: PageBitmap;
  /** Pages that must not be written: a run of excluded pages with one of them is cut out, however short it is. */
  readonly never?: PageBitmap | undefined;
}

/**
 * Splits segments by makedumpfile's rule: a run of at least 256 excluded pages ends a PT_LOAD, which covers it without
 * data, and the next PT_LOAD begins behind it. Part of a page at the beginning of a segment is always written.
 * @throws VmcoreError ERR_VMCORE_CORRUPT for segments that repeat memory without end; the signal's reason.
 */
export async function planElf(
  segments: readonly Segment[],
  pages: ElfPages,
  signal?: AbortSignal,
): Promise<ElfPlan> {
  checkOverlap(segments, pages.kept.pages * pages.pageSize);
  const written = new PageBitmap(pages.kept.pages);
  const loads: ElfLoad[] = [];
  let offset = 0;
  const turns = new Turns(signal);
  for (const segment of segments) {
    let empty: ElfLoad | undefined;
    for (const part of splitSegment(segment, pages, written)) {
      if (part) {
        // As makedumpfile has it: of loads without data only the last of a segment has a place.
        empty = part.fileSize === 0 ? { ...part, offset } : undefined;
        loads.push({ ...part, offset: empty ? -1 : offset });
        offset += part.fileSize;
      }
      if (!turns.due) continue;
      await turns.give();
    }
    if (empty) loads[loads.length - 1] = empty;
  }
  return { loads, pages: written, dataSize: offset };
}

/** What overlaps is written as often as it is there: that must not be more than a core can mean. */
function checkOverlap(segments: readonly Segment[], memory: number): void {
  const covered = segments.reduce((sum, { paddr, memSize }) => {
    return paddr === undefined ? sum : sum + Math.max(0, Math.min(memSize, memory - paddr));
  }, 0);
  if (covered <= MOST_COPIES * memory) return;
  const what = `its ${segments.length} PT_LOADs cover ${covered} bytes, of a memory of ${memory}`;
  throw new VmcoreError('ERR_VMCORE_CORRUPT', `no ELF core can be written: ${what}`);
}

/** The parts that a segment is split to, without their place; undefined now and then in between. */
function* splitSegment(
  { paddr, vaddr, memSize, flags, align }: Segment,
  { pageSize, kept, never }: ElfPages,
  written: PageBitmap,
): Generator<Omit<ElfLoad, 'offset'> | undefined> {
  if (paddr === undefined) return;
  const end = paddr + memSize;
  const part = (from: number, dataEnd: number, to: number) => ({
    paddr: from,
    vaddr: BigInt.asUintN(64, vaddr + BigInt(from - paddr)),
    flags,
    align,
    fileSize: dataEnd - from,
    memSize: to - from,
  });
  let start = paddr;
  let dataEnd = paddr;
  let runStart = Math.floor(paddr / pageSize);
  for (const [first, behind] of keptRuns(paddr, end, pageSize, kept, never)) {
    const isCut = first - runStart >= SHORTEST_CUT || (never?.count(runStart, first) ?? 0) > 0;
    yield isCut ? part(start, dataEnd, first * pageSize) : undefined;
    if (isCut) start = first * pageSize;
    written.set(isCut ? first : runStart, behind);
    dataEnd = Math.min(behind * pageSize, end);
    runStart = behind;
  }
  yield part(start, Math.max(start, dataEnd), end);
}

/** Runs of kept pages between two addresses, as [first pfn, pfn behind]. Part of a page at the beginning is one of them. */
function* keptRuns(
  start: number,
  end: number,
  pageSize: number,
  kept: PageBitmap,
  never: PageBitmap | undefined,
): Generator<[number, number]> {
  const endPfn = Math.min(Math.ceil(end / pageSize), kept.pages);
  let pfn = Math.floor(start / pageSize);
  if (start % pageSize !== 0 && pfn < endPfn && !never?.has(pfn)) yield [pfn, ++pfn];
  for (pfn = kept.nextSet(pfn); pfn >= 0 && pfn < endPfn; ) {
    const behind = Math.min(kept.nextClear(pfn), endPfn);
    yield [pfn, behind];
    pfn = kept.nextSet(behind);
  }
}
