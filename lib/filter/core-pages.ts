import type { Slots } from '../access/slots.ts';
import { hex, isVmcoreError, sourceFailure, VmcoreError } from '../errors.ts';
import type { Extents } from '../formats/extents.ts';
import { findMemMap } from '../kernel/mem-map.ts';
import { pageLayout } from '../kernel/page-layout.ts';
import { StructPages } from '../kernel/struct-pages.ts';
import type { Vmcoreinfo } from '../kernel/vmcoreinfo.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import { type Classification, onlyPiece, type PageFacts, type ScanOptions } from './classify.ts';
import { LEVEL_WITHOUT_KERNEL } from './dump-level.ts';
import { maxPfnOf } from './existing-pages.ts';
import { explain, type PageExplanation } from './explain.ts';
import { PageJudge } from './page-judge.ts';

/** What the pages of a core are found by. */
export interface CorePagesOptions {
  readonly arch: string;
  readonly extents: Extents;
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Bytes of the core's file or files. */
  readonly fileSize: number;
  /** The level that the core was filtered with before. */
  readonly inputLevel: number;
  readonly memory: VirtualMemory;
  /** Throws ERR_VMCORE_NO_VMCOREINFO where there is none. */
  vmcoreinfo(): Vmcoreinfo;
  /** Slots for one who passes over struct pages. */
  openSlots(): Slots;
}

/**
 * Bitmaps of 2 TiB of memory in pages of 4 KiB, in bytes. Larger ones are made only where the file is larger, too: that of
 * a real machine has at least its struct pages.
 */
const BITMAP_BYTES = 64 << 20;

/** The pages of a core and what its kernel says of them, which is looked for when it is first needed. */
export class CorePages {
  /** The pfn behind the last page that a segment covers. */
  readonly maxPfn: number;
  readonly #options: CorePagesOptions;
  #facts: PageFacts | VmcoreError | undefined;
  /** For explain(), which looks at single pages. */
  #lookup: StructPages | undefined;

  constructor(options: CorePagesOptions) {
    this.#options = options;
    this.maxPfn = maxPfnOf(options.extents, options.pageSize);
  }

  /** Why pages can't be classified; undefined when they can. */
  get problem(): VmcoreError | undefined {
    const facts = this.#findFacts();
    return facts instanceof VmcoreError ? facts : undefined;
  }

  /** @throws as judge(); what selectPages() throws. */
  async classify(level: number, options: ScanOptions): Promise<Classification> {
    return onlyPiece(this.judge(level).pieces(level, options, Number.POSITIVE_INFINITY));
  }

  /**
   * Finds out what pages are judged by, at `level` and those with fewer bits. What the core was filtered of before needs no
   * judging again: a dump that has lost its struct pages can be copied. A level that needs nothing of the kernel goes on
   * without it: poisoned pages are not left out then, but it may be all that can be saved.
   * @throws VmcoreError {@link problem} when a level above 1 needs what is not known, or when the core's file was cut off or
   *   its device failed (ERR_VMCORE_FAULT, ERR_VMCORE_TRUNCATED); ERR_VMCORE_CORRUPT when the core claims memory so high
   *   that it would take more to tell its pages apart than the core has.
   */
  judge(level: number): PageJudge {
    const { extents, pageSize, inputLevel } = this.#options;
    const found = this.#findFacts();
    const [facts, problem] = found instanceof VmcoreError ? [undefined, found] : [found, undefined];
    const needsKernel = (level & ~inputLevel) > LEVEL_WITHOUT_KERNEL;
    if (problem && (needsKernel || isCutOff(problem))) throw problem;
    const maxPfn = this.#maxMapnr(facts);
    this.#requireSize(maxPfn);
    return new PageJudge({ facts, extents, pageSize, maxPfn }, problem);
  }

  explain(pfn: number, level: number): PageExplanation {
    const { extents, pageSize } = this.#options;
    const facts = this.#known();
    this.#lookup ??= facts?.openStructPages();
    const lookup = facts && this.#lookup && { facts, structPages: this.#lookup };
    return explain(lookup, { extents, pageSize, maxPfn: this.#maxMapnr(facts) }, pfn, level);
  }

  /** Virtual address of a page's struct page; undefined where it has none, or none is known. */
  structPageAddress(pfn: number): bigint | undefined {
    const facts = this.#known();
    const range = facts?.memMap.ranges.find(({ firstPfn, endPfn }) => pfn >= firstPfn && pfn < endPfn);
    return facts && range && range.address + BigInt((pfn - range.firstPfn) * facts.layout.size);
  }

  #maxMapnr(facts: PageFacts | undefined): number {
    return Math.min(this.maxPfn, facts?.memMap.endPfn ?? this.maxPfn);
  }

  /** A damaged header can claim any amount of memory. */
  #requireSize(maxMapnr: number): void {
    const { fileSize, pageSize } = this.#options;
    if (maxMapnr / 8 <= Math.max(BITMAP_BYTES, fileSize)) return;
    const what = `the core claims memory up to ${hex(maxMapnr * pageSize)}, and has ${fileSize} bytes`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', what, { address: maxMapnr * pageSize });
  }

  /** @throws what the source failed with. */
  #known(): PageFacts | undefined {
    const facts = this.#findFacts();
    if (!(facts instanceof VmcoreError)) return facts;
    if (sourceFailure(facts)) throw facts;
    return undefined;
  }

  /** Where the source failed they are looked for once more, and the next time, unless some were found. */
  #findFacts(): PageFacts | VmcoreError {
    if (this.#facts) return this.#facts;
    let facts = this.#look();
    if (sourceFailure(problemOf(facts))) facts = this.#look();
    if (!sourceFailure(facts)) this.#facts = facts;
    return facts;
  }

  #look(): PageFacts | VmcoreError {
    const { memory, extents, arch, vmcoreinfo, openSlots } = this.#options;
    try {
      const layout = pageLayout(vmcoreinfo());
      return {
        layout,
        memMap: findMemMap(memory, vmcoreinfo(), arch, this.maxPfn),
        littleEndian: memory.littleEndian,
        openStructPages: () => new StructPages(memory, extents, openSlots(), layout.size),
      };
    } catch (error) {
      if (error instanceof VmcoreError) return error;
      throw error;
    }
  }
}

/** Why some or all of them are missing. */
function problemOf(facts: PageFacts | VmcoreError): VmcoreError | undefined {
  return facts instanceof VmcoreError ? facts : facts.memMap.problem;
}

function isCutOff(problem: VmcoreError): boolean {
  return isVmcoreError(problem, 'ERR_VMCORE_FAULT') || isVmcoreError(problem, 'ERR_VMCORE_TRUNCATED');
}
