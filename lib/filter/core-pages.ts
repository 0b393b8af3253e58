import type { Slots } from '../access/slots.ts';
import { VmcoreError } from '../errors.ts';
import type { Extents } from '../formats/extents.ts';
import { findMemMap } from '../kernel/mem-map.ts';
import { pageLayout } from '../kernel/page-layout.ts';
import { StructPages } from '../kernel/struct-pages.ts';
import type { Vmcoreinfo } from '../kernel/vmcoreinfo.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import { type Classification, classify, type PageFacts, type ScanOptions } from './classify.ts';
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
  readonly memory: VirtualMemory;
  /** Throws ERR_VMCORE_NO_VMCOREINFO where there is none. */
  vmcoreinfo(): Vmcoreinfo;
  /** Slots for one stream of struct pages. */
  openSlots(): Slots;
}

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
    return Math.min(this.maxPfn, this.#known()?.memMap.endPfn ?? this.maxPfn);
  }

  /** @throws VmcoreError {@link problem} when a level above 1 needs what is not known; what selectPages() throws. */
  async classify(level: number, options: ScanOptions): Promise<Classification> {
    for await (const all of this.classifyPieces(level, options)) return all;
    throw new Error('a core has at least one piece');
  }

  /**
   * The same in pieces of `piecePages` pages, ascending: memory for all of them is not needed at the same time.
   * @throws as classify().
   */
  async *classifyPieces(
    level: number,
    options: ScanOptions,
    piecePages = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Classification> {
    const { problem, maxMapnr: maxPfn } = this;
    if (problem && level > LEVEL_WITHOUT_KERNEL) throw problem;
    const { extents, pageSize } = this.#options;
    const { select } = options;
    const core = { facts: this.#known(), extents, pageSize, maxPfn };
    const scan = select ? { ...options, collect: PAGE_CLASSES } : options;
    for await (const found of classify(core, level, scan, piecePages))
      yield select ? await selectPages(found, select, pageSize, options.signal) : found;
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

  release(): void {
    this.#lookup?.release();
  }

  #known(): PageFacts | undefined {
    const facts = this.#findFacts();
    return facts instanceof VmcoreError ? undefined : facts;
  }

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
      this.#facts = error;
    }
    return this.#facts;
  }
}
