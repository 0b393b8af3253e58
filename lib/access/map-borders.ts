import type { ByteSource } from './byte-source.ts';
import { native } from './native.ts';

/**
 * File offsets, ascending, that no map goes across. /proc/vmcore has one object for each program header. A map within
 * one of them is made by one call of the kernel, which reserves write-back as its cache mode. For a map over several,
 * x86 takes the mode of each part from what else is mapped (track_pfn_remap(), arch/x86/mm/pat/memtype.c): it is
 * uncached where nothing is, and fails with EAGAIN where only some of it is.
 */
export type MapBorders = Float64Array;

/** The borders of a source that is made of these objects; undefined where one map may cover anything. */
export function mapBorders(
  source: ByteSource,
  objects: readonly { readonly offset: number; readonly fileSize: number }[],
): MapBorders | undefined {
  if (source.mapping !== 'eager') return undefined;
  const { pageSize } = native();
  const offsets = objects
    .filter(({ fileSize }) => fileSize > 0)
    .flatMap(({ offset, fileSize }) => [
      Math.floor(offset / pageSize) * pageSize,
      Math.ceil((offset + fileSize) / pageSize) * pageSize,
    ]);
  return Float64Array.from(new Set(offsets)).sort();
}

/** The borders, with others: none may be only some of a map's. */
export function addBorders(
  borders: MapBorders | undefined,
  others: Float64Array | undefined,
): MapBorders | undefined {
  return others ? Float64Array.from(new Set([...(borders ?? []), ...others])).sort() : borders;
}

/** The stretch around `position` that one map may cover. */
export function stretchAround(
  borders: MapBorders | undefined,
  position: number,
): { readonly start: number; readonly end: number } {
  if (!borders) return { start: 0, end: Number.POSITIVE_INFINITY };
  let low = 0;
  let high = borders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (borders[middle]! > position) high = middle;
    else low = middle + 1;
  }
  return { start: borders[low - 1] ?? 0, end: borders[low] ?? Number.POSITIVE_INFINITY };
}
