import { hex, VmcoreError } from '../errors.ts';
import { Turns } from '../turns.ts';
import { PageBitmap } from './bitmap.ts';
import type { Classification, ScanOptions } from './classify.ts';
import { NEVER_READ, type PageClass } from './page-class.ts';

/** Consecutive pages that a dump level treats alike. */
export interface SelectableRange {
  readonly pfn: number;
  /** Pages. */
  readonly count: number;
  /** The class for which the level leaves them out; undefined where it keeps them. */
  readonly class: PageClass | undefined;
}

/** `keep` and `drop` overrule the level, undefined leaves it at that. */
export type PageVerdict = 'keep' | 'drop' | undefined;

/**
 * Decides about pages: a verdict for the whole range, or one for its first `count` pages, after which it is asked about
 * the rest. Not about poisoned and offline pages, which are never read. Must not be async.
 */
export type SelectPages = (
  range: SelectableRange,
) => PageVerdict | { readonly verdict: PageVerdict; readonly count: number };

/**
 * A classification of which all classes were collected, as `select` changes it. Its bitmaps of classes are changed themselves;
 * those of `collect` are in the result.
 * @throws VmcoreError ERR_VMCORE_SELECT with the range when `select` throws or answers something else; the signal's reason.
 */
export async function selectPages(
  classification: Classification,
  { select, collect = [], signal }: ScanOptions & { readonly select: SelectPages },
  pageSize: number,
): Promise<Classification> {
  const bitmap = classification.bitmap.copy();
  const counts = { ...classification.counts };
  const dropped = new PageBitmap(bitmap.endPfn, undefined, bitmap.firstPfn);
  let deselected = 0;
  const turns = new Turns(signal);
  for (const range of selectableRanges(classification)) {
    const end = range.pfn + range.count;
    for (let pfn = range.pfn; pfn < end; ) {
      const { verdict, count } = ask(select, { ...range, pfn, count: end - pfn }, pageSize);
      if (verdict === 'drop') dropped.set(pfn, pfn + count);
      if (verdict === 'keep' && range.class) {
        bitmap.set(pfn, pfn + count);
        counts[range.class] -= count;
        // The next run of it is looked for behind this range.
        classification.collected.get(range.class)!.clear(pfn, pfn + count);
      } else if (verdict === 'drop' && !range.class) {
        deselected += bitmap.clear(pfn, pfn + count);
      }
      pfn += count;
      if (!turns.due) continue;
      await turns.give();
    }
  }
  const collected = new Map([...classification.collected].filter(([name]) => collect.includes(name)));
  return { ...classification, bitmap, counts, deselected, dropped, collected, kept: bitmap.count() };
}

function ask(
  select: SelectPages,
  range: SelectableRange,
  pageSize: number,
): { verdict: PageVerdict; count: number } {
  let answer: unknown;
  try {
    answer = select(range);
  } catch (cause) {
    throw failure(range, pageSize, `threw: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const { verdict, count } = isPartial(answer) ? answer : { verdict: answer, count: range.count };
  if (verdict !== 'keep' && verdict !== 'drop' && verdict !== undefined) {
    const what = verdict instanceof Promise ? 'a promise: it must not be async' : String(verdict);
    throw failure(range, pageSize, `answered ${what}, and not 'keep', 'drop' or undefined`);
  }
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= range.count)
    return { verdict, count };
  throw failure(range, pageSize, `answered for ${String(count)} pages`);
}

function isPartial(answer: unknown): answer is { verdict: unknown; count: unknown } {
  return typeof answer === 'object' && answer !== null && 'verdict' in answer && 'count' in answer;
}

function failure(
  { pfn, count }: SelectableRange,
  pageSize: number,
  what: string,
  cause?: unknown,
): VmcoreError {
  return new VmcoreError(
    'ERR_VMCORE_SELECT',
    `select, asked about pfns ${pfn} to ${pfn + count - 1} (from ${hex(pfn * pageSize)} on), ${what}`,
    { address: pfn * pageSize, cause },
  );
}

/** The runs of all bitmaps, which have no page in common, ascending. */
function* selectableRanges({ bitmap, collected }: Classification): Generator<SelectableRange> {
  const dropped = [...collected].filter(([name]) => !NEVER_READ.has(name));
  const streams = [[undefined, bitmap] as const, ...dropped].map(([name, pages]) => ({
    name,
    runs: pages.runs(),
  }));
  const heads = streams.flatMap(({ name, runs }) => {
    const first = runs.next();
    return first.done ? [] : [{ name, runs, run: first.value }];
  });
  while (heads.length > 0) {
    let lowest = 0;
    for (let i = 1; i < heads.length; i++) if (heads[i]!.run[0] < heads[lowest]!.run[0]) lowest = i;
    const head = heads[lowest]!;
    yield { pfn: head.run[0], count: head.run[1], class: head.name };
    const next = head.runs.next();
    if (next.done) heads.splice(lowest, 1);
    else head.run = next.value;
  }
}
