// Bitmap 2 of a dump against makedumpfile's: no page may differ but by a known defect of it.
import type { Test } from 'tap';
import { bit, differences } from './bits.ts';
import { ElfCore } from './elf-core.ts';
import { knownDefects, versionNumber } from './makedumpfile-defects.ts';
import { type Defect, droppedPages, PageReader } from './page-rules.ts';
import { StructPages } from './struct-pages.ts';

/** The page frames of the core at `path` on which each defect of a version of makedumpfile changes its decision. */
export class Explanations {
  readonly #defects: Defect[];
  readonly #pages: StructPages;
  readonly #reader: PageReader;

  constructor(path: string, version: string) {
    const core = new ElfCore(path);
    this.#pages = new StructPages(core);
    this.#reader = new PageReader(core, this.#pages);
    this.#defects = knownDefects(core, versionNumber(version));
    core.close();
  }

  at(level: number, existing: Uint8Array): Map<string, number[]> {
    const views = [(facts: Parameters<Defect['seen']>[0]) => facts, ...this.#defects.map(({ seen }) => seen)];
    const [straight, ...seen] = droppedPages(this.#reader, this.#pages, level, views);
    const pfns = (bitmap: Uint8Array) => differences(straight!, bitmap).filter((pfn) => bit(existing, pfn));
    return new Map(this.#defects.map(({ name }, i) => [name, pfns(seen[i]!)]));
  }
}

export function hex(pfns: number[]): string {
  return `${pfns.length}: ${pfns
    .slice(0, 8)
    .map((pfn) => pfn.toString(16))
    .join(' ')}`;
}

/** Every page that differs is explained, and every explanation is of a page that differs. */
export function checkDifferences(t: Test, differing: number[], explained: Map<string, number[]>): void {
  const differs = new Set(differing);
  const hasReason = new Set([...explained.values()].flat());
  for (const [name, pfns] of explained) {
    if (pfns.length) t.comment(`${pfns.length} pages: ${name}`);
    t.equal(hex(pfns.filter((pfn) => !differs.has(pfn))), '0: ', `differ as explained: ${name}`);
  }
  t.equal(hex(differing.filter((pfn) => !hasReason.has(pfn))), '0: ', 'no page differs without explanation');
}
