// Groups of pages and how many of each a dump level keeps, laid out in one synthetic machine.
import type { PageBitmap } from '../../lib/index.ts';
import type { PageFields } from './page-writer.ts';

/** The levels that the tables have a column for. */
export const tableLevels = [0, 1, 2, 4, 8, 16, 31] as const;

export interface PageCase {
  readonly name: string;
  readonly pages: readonly PageFields[];
  /** Pages kept, by level in the order of {@link tableLevels}. */
  readonly kept: readonly number[];
}

export interface PlacedCase extends PageCase {
  readonly firstPfn: number;
}

/** Cases one after another from `firstPfn` on, each aligned to its length, with a page of the kernel between. */
export function place(cases: readonly PageCase[], firstPfn = 1024): PlacedCase[] {
  let next = firstPfn;
  return cases.map((pageCase) => {
    const align = 2 ** Math.ceil(Math.log2(pageCase.pages.length));
    const first = Math.ceil(next / align) * align;
    next = first + pageCase.pages.length + 1;
    return { ...pageCase, firstPfn: first };
  });
}

export function pagesOf(cases: readonly PlacedCase[]): Map<number, PageFields> {
  return new Map(
    cases.flatMap(({ firstPfn, pages }) =>
      pages.map((page, i): [number, PageFields] => [firstPfn + i, page]),
    ),
  );
}

export function keptOf({ firstPfn, pages }: PlacedCase, bitmap: PageBitmap): number {
  return bitmap.count(firstPfn, firstPfn + pages.length);
}
