import type { VmcoreError } from '../errors.ts';
import { type Classification, type ClassifiedCore, classify, type ScanOptions } from './classify.ts';
import { PAGE_CLASSES } from './page-class.ts';
import { selectPages } from './select.ts';

/** Judges the pages of a core by the same facts however often it is asked: what was decided of a dump holds for all of it. */
export class PageJudge {
  /** Why nothing is known of the kernel's pages, so that poisoned and offline ones are not left out. */
  readonly problem: VmcoreError | undefined;
  readonly #core: ClassifiedCore;

  constructor(core: ClassifiedCore, problem: VmcoreError | undefined) {
    this.#core = core;
    this.problem = problem;
  }

  /** makedumpfile's max_mapnr: no further than the last section with a mem_map (RAM above `mem=` has none). */
  get maxMapnr(): number {
    return this.#core.maxPfn;
  }

  /** Judges all pages at a level, in pieces of `piecePages` pages, ascending. @throws what selectPages() throws. */
  async *pieces(level: number, options: ScanOptions, piecePages: number): AsyncGenerator<Classification> {
    const { select } = options;
    const scan = select ? { ...options, collect: PAGE_CLASSES } : options;
    for await (const found of classify(this.#core, level, scan, piecePages))
      yield select ? await selectPages(found, { ...options, select }, this.#core.pageSize) : found;
  }
}
