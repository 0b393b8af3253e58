import type { ByteSource } from '../access/byte-source.ts';
import { isVmcoreError } from '../errors.ts';
import { type Extents, findExtent } from './extents.ts';

/** At most `length` bytes that lie together at a physical address; undefined where the core has none there. */
export function readExtent(
  source: ByteSource,
  extents: Extents,
  paddr: number,
  length: number,
): Uint8Array | undefined {
  const i = findExtent(extents, paddr);
  if (i >= extents.count || extents.start[i]! > paddr || extents.offset[i]! < 0) return undefined;
  const bytes = new Uint8Array(Math.min(length, extents.end[i]! - paddr));
  try {
    source.read(extents.offset[i]! + paddr - extents.start[i]!, bytes);
    return bytes;
  } catch (error) {
    if (isVmcoreError(error)) return undefined;
    throw error;
  }
}
