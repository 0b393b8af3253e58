import type { Slots } from '../access/slots.ts';
import { hex, isVmcoreError, sourceFailure, VmcoreError } from '../errors.ts';
import type { Extents } from '../formats/extents.ts';
import { findMemMap } from '../kernel/mem-map.ts';
import { pageLayout } from '../kernel/page-layout.ts';
import { StructPages } from '../kernel/struct-pages.ts';
import type { Vmcoreinfo } from '../kernel/vmcoreinfo.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import { type Classification, classify, onlyPiece, type PageFacts, type ScanOptions } from './classify.ts';
import { maxPfnOf } from './existing-pages.ts';
import { explain, type PageExplanation } from './explain.ts';
import { PAGE_CLASSES } from './page-class.ts';
import { selectPages } from './select.ts';

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

/** The highest level that needs nothing of the kernel: bit 0 leaves out zeros, which the data tells. */
const LEVEL_WITHOUT_KERNEL = 1;

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

  /** makedumpfile's max_mapnr: no further than the last section with a mem_map (RAM above `mem=` has none). */
  get maxMapnr(): number {
    const facts = this.#findFacts();
    return facts instanceof VmcoreError ? this.maxPfn : Math.min(this.maxPfn, facts.memMap.endPfn);
  }

  /**
   * What the core was filtered of before needs no judging again: a dump that has lost its struct pages can be copied.
   * @throws VmcoreError {@link problem} when a level above 1 needs what is not known; ERR_VMCORE_CORRUPT when the core claims
   *   memory so high that it would take more to tell its pages apart than the core has; what selectPages() throws.
   */
  async classify(level: number, options: ScanOptions): Promise<Classification> {
    return onlyPiece(this.classifyPieces(level, options, Number.POSITIVE_INFINITY));
  }

  /**
   * The same in pieces of `piecePages` pages, ascending: memory for all of them is not needed at the same time.
   * @throws as classify(), before a piece is asked for.
   */
  classifyPieces(level: number, options: ScanOptions, piecePages: number): AsyncIterable<Classification> {
    this.#requireFacts(level);
    this.#requireSize();
    return this.#pieces(level, options, piecePages);
  }

  explain(pfn: number, level: number): PageExplanation {
    const { extents, pageSize } = this.#options;
    const facts = this.#known();
    this.#lookup ??= facts?.openStructPages();
    const lookup = facts && this.#lookup && { facts, structPages: this.#lookup };
    return explain(lookup, { extents, pageSize, maxPfn: this.maxMapnr }, pfn, level);
  }

  /** Virtual address of a page's struct page; undefined where it has none, or none is known. */
  structPageAddress(pfn: number): bigint | undefined {
    const facts = this.#known();
    const range = facts?.memMap.ranges.find(({ firstPfn, endPfn }) => pfn >= firstPfn && pfn < endPfn);
    return facts && range && range.address + BigInt((pfn - range.firstPfn) * facts.layout.size);
  }

  async *#pieces(level: number, options: ScanOptions, piecePages: number): AsyncGenerator<Classification> {
    const { extents, pageSize } = this.#options;
    const { select } = options;
    const core = { facts: this.#known(), extents, pageSize, maxPfn: this.maxMapnr };
    const scan = select ? { ...options, collect: PAGE_CLASSES } : options;
    for await (const found of classify(core, level, scan, piecePages))
      yield select ? await selectPages(found, { ...options, select }, pageSize) : found;
  }

  /**
   * A level that needs nothing of the kernel goes on without it, after a second look where a read failed: poisoned pages are
   * not left out then, but it may be all that can be saved. What comes later has to go by the same.
   */
  #requireFacts(level: number): void {
    let { problem } = this;
    if (isVmcoreError(problem, 'ERR_VMCORE_IO')) problem = this.problem;
    if (!problem) return;
    const needsKernel = (level & ~this.#options.inputLevel) > LEVEL_WITHOUT_KERNEL;
    const isCutOff = sourceFailure(problem) && problem.code !== 'ERR_VMCORE_IO';
    if (needsKernel || isCutOff) throw problem;
    this.#facts = problem;
  }

  /** A damaged header can claim any amount of memory. */
  #requireSize(): void {
    const { fileSize, pageSize } = this.#options;
    const bytes = this.maxMapnr / 8;
    if (bytes <= Math.max(BITMAP_BYTES, fileSize)) return;
    const what = `the core claims memory up to ${hex(this.maxMapnr * pageSize)}, and has ${fileSize} bytes`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', what, { address: this.maxMapnr * pageSize });
  }

  /** @throws what the source failed with. */
  #known(): PageFacts | undefined {
    const facts = this.#findFacts();
    if (facts !== this.#facts) throw facts;
    return facts instanceof VmcoreError ? undefined : facts;
  }

  /** They are looked for again where it was the source that failed. */
  #findFacts(): PageFacts | VmcoreError {
    if (this.#facts) return this.#facts;
    const { memory, extents, arch, vmcoreinfo, openSlots } = this.#options;
    try {
      const layout = pageLayout(vmcoreinfo());
      this.#facts = {
        layout,
        memMap: findMemMap(memory, vmcoreinfo(), arch, this.maxPfn),
        littleEndian: memory.littleEndian,
        openStructPages: () => new StructPages(memory, extents, openSlots(), layout.size),
      };
    } catch (error) {
      if (!(error instanceof VmcoreError)) throw error;
      if (sourceFailure(error)) return error;
      this.#facts = error;
    }
    return this.#facts;
  }
}
