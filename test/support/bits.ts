/** Whether the bit of a page frame is set; least significant bit first, as in every dump format. */
export function bit(bitmap: Uint8Array, pfn: number): boolean {
  return ((bitmap[pfn >> 3] ?? 0) & (1 << (pfn & 7))) !== 0;
}

/** The page frames whose bits are set. */
export function* setBits(bitmap: Uint8Array): Generator<number> {
  for (let byte = 0; byte < bitmap.length; byte++) {
    if (bitmap[byte] === 0) continue;
    for (let pfn = byte * 8; pfn < byte * 8 + 8; pfn++) if (bit(bitmap, pfn)) yield pfn;
  }
}

/** The page frames whose bits are not the same in both; the shorter bitmap counts as continued with zeros. */
export function differences(a: Uint8Array, b: Uint8Array): number[] {
  const pfns: number[] = [];
  for (let byte = 0; byte < Math.max(a.length, b.length); byte++) {
    const differing = (a[byte] ?? 0) ^ (b[byte] ?? 0);
    for (let i = 0; differing >> i; i++) if ((differing >> i) & 1) pfns.push(byte * 8 + i);
  }
  return pfns;
}
