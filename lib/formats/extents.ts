/**
 * Where physical memory lies in a file: disjoint ranges, ascending by physical address, as parallel arrays. Memory
 * between two extents is not in the dump.
 */
export interface Extents {
  readonly count: number;
  /** Physical address of the first byte. */
  readonly start: Float64Array;
  /** Physical address behind the last byte. */
  readonly end: Float64Array;
  /** File offset of the first byte, or -1: the memory existed, but the file has no data for it, and it reads as zeros. */
  readonly offset: Float64Array;
}

/** One range before overlaps are resolved. */
export interface Extent {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

/**
 * Resolves overlaps: the earlier range in the list keeps what both claim (x86_64 repeats the kernel text, s390x the
 * image; the contents are identical). Ranges with data come before ranges without. Neighbours that continue each other
 * in memory and file become one.
 */
export function makeExtents(ranges: readonly Extent[]): Extents {
  const byPriority = [...ranges.filter((r) => r.offset >= 0), ...ranges.filter((r) => r.offset < 0)];
  return toArrays(joinNeighbours(resolveOverlaps(byPriority)));
}

/** Index of the extent that holds `paddr`, or of the first one above it (`count` when there is none). */
export function findExtent(extents: Extents, paddr: number): number {
  let low = 0;
  let high = extents.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (extents.end[middle]! > paddr) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * A sweep over all boundaries; between two of them the active range of the highest priority wins. The active ranges
 * are a binary heap, and ended ones are dropped when they come to its top: n log n for any overlap.
 */
function resolveOverlaps(byPriority: readonly Extent[]): Extent[] {
  const order = byPriority.map((_, i) => i).sort((a, b) => byPriority[a]!.start - byPriority[b]!.start);
  const bounds = Float64Array.from(byPriority.flatMap((r) => [r.start, r.end])).sort();
  const active = new PriorityHeap();
  const pieces: Extent[] = [];
  let next = 0;
  for (let b = 0; b + 1 < bounds.length; b++) {
    const start = bounds[b]!;
    const end = bounds[b + 1]!;
    if (start === end) continue;
    while (next < order.length && byPriority[order[next]!]!.start <= start) active.push(order[next++]!);
    while (active.top !== undefined && byPriority[active.top]!.end <= start) active.pop();
    if (active.top === undefined) continue;
    const winner = byPriority[active.top]!;
    pieces.push({ start, end, offset: winner.offset < 0 ? -1 : winner.offset + (start - winner.start) });
  }
  return pieces;
}

/** A min-heap of list positions: the smallest is the highest priority. */
class PriorityHeap {
  readonly #items: number[] = [];

  get top(): number | undefined {
    return this.#items[0];
  }

  push(item: number): void {
    const items = this.#items;
    let i = items.push(item) - 1;
    for (let parent = (i - 1) >> 1; i > 0 && items[parent]! > item; i = parent, parent = (i - 1) >> 1) {
      items[i] = items[parent]!;
    }
    items[i] = item;
  }

  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[i] = items[child]!;
      i = child;
    }
    items[i] = last;
  }
}

function joinNeighbours(pieces: readonly Extent[]): Extent[] {
  const joined: Extent[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    const continues =
      last?.end === piece.start &&
      (piece.offset < 0
        ? last.offset < 0
        : last.offset >= 0 && last.offset + (last.end - last.start) === piece.offset);
    if (last && continues) joined[joined.length - 1] = { ...last, end: piece.end };
    else joined.push(piece);
  }
  return joined;
}

function toArrays(ranges: readonly Extent[]): Extents {
  return {
    count: ranges.length,
    start: Float64Array.from(ranges, (r) => r.start),
    end: Float64Array.from(ranges, (r) => r.end),
    offset: Float64Array.from(ranges, (r) => r.offset),
  };
}

/** Bytes that have data in the file. */
export function bytesWithData({ count, start, end, offset }: Extents): number {
  let sum = 0;
  for (let i = 0; i < count; i++) if (offset[i]! >= 0) sum += end[i]! - start[i]!;
  return sum;
}
