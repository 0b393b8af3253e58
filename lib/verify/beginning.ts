import type { ByteSource } from '../access/byte-source.ts';
import { ELF_MAGIC } from '../formats/elf-layout.ts';
import { FLATTENED_SIGNATURE } from '../formats/flattened-layout.ts';
import { KDUMP_SIGNATURE } from '../formats/kdump-layout.ts';
import { LIME_MAGIC } from '../formats/lime.ts';
import { S390_MAGIC } from '../formats/s390-dump/header.ts';

/** What a disk writes at once is not less. */
const BLOCK_BYTES = 512;
/** What dumps begin with that are written by programs which may be cut off. */
const SIGNATURES: readonly string[] = [
  KDUMP_SIGNATURE,
  String.fromCharCode(...ELF_MAGIC),
  FLATTENED_SIGNATURE,
  textOf(4, (view) => view.setUint32(0, LIME_MAGIC, true)),
  textOf(8, (view) => view.setBigUint64(0, S390_MAGIC)), // of the extended format, too, but for its last byte
];

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

/** A magic that is a number, as the bytes of a file. */
function textOf(size: number, write: (view: DataView) => void): string {
  const bytes = Buffer.alloc(size);
  write(new DataView(bytes.buffer, bytes.byteOffset, size));
  return bytes.toString('latin1');
}
