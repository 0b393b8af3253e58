/** Bits set in each byte value. */
const BITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) bits++;
  return bits;
});

/** Number of bits set in `bytes`. */
export function countBits(bytes: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) bits += BITS[bytes[i]!]!;
  return bits;
}
