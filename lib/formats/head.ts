import type { ByteSource } from '../access/byte-source.ts';

/** Enough for every magic. */
const HEAD_BYTES = 64;

/** What a file begins with, by which its format is known; less where it is shorter. */
export function readHead(source: ByteSource): Uint8Array {
  const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
  source.read(0, head);
  return head;
}
