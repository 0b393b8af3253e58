import type { ByteSource } from '../access/byte-source.ts';
import { KDUMP_SIGNATURE } from '../formats/kdump-layout.ts';

/** Enough for every signature. */
const HEAD_BYTES = 64;
/** What a disk writes at once is not less. */
const BLOCK_BYTES = 512;
/** What dumps begin with that are written by programs which may be cut off. */
const SIGNATURES = [KDUMP_SIGNATURE, '\x7fELF', 'makedumpfile\0\0\0\0', 'EMiL'];

export function readHead(source: ByteSource): Uint8Array {
  const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
  source.read(0, head);
  return head;
}

/** Whether a file begins with a block of zeros, or has nothing else. */
export function isBlank(source: ByteSource): boolean {
  const block = new Uint8Array(Math.min(BLOCK_BYTES, source.size));
  source.read(0, block);
  return block.every((byte) => byte === 0);
}

/** Whether a file ends within a signature, or has only zeros behind that. */
export function isBegun(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString('latin1').replace(/\0+$/, '');
  return SIGNATURES.some((signature) => signature.length > text.length && signature.startsWith(text));
}
