import { notes, PAGE, page, ranges } from './memory.ts';

/** The memory of memory.ts as an ELF core without VMCOREINFO: makedumpfile copies it at levels 0 and 1. */
export function tinyCore(): Buffer {
  const headers = Buffer.alloc(PAGE);
  headers.write('7f454c46020101', 'hex'); // ELF, 64-bit, little-endian, version 1
  headers.writeUInt16LE(4, 16); // ET_CORE
  headers.writeUInt16LE(62, 18); // EM_X86_64
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(64n, 32); // e_phoff
  headers.writeUInt16LE(64, 52); // e_ehsize
  headers.writeUInt16LE(56, 54); // e_phentsize
  headers.writeUInt16LE(1 + ranges.length, 56);
  segment(headers.subarray(64), 4, PAGE, 0, notes.length);
  let offset = 2 * PAGE;
  ranges.forEach(([first, count], i) => {
    segment(headers.subarray(64 + 56 * (i + 1)), 1, offset, first * PAGE, count * PAGE);
    offset += count * PAGE;
  });
  const pages = ranges.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => page(first + i)));
  return Buffer.concat([headers, notes, Buffer.alloc(PAGE - notes.length), ...pages]);
}

function segment(at: Buffer, type: number, offset: number, paddr: number, size: number): void {
  at.writeUInt32LE(type, 0);
  at.writeUInt32LE(7, 4);
  at.writeBigUInt64LE(BigInt(offset), 8);
  at.writeBigUInt64LE(0xffff888000000000n + BigInt(paddr), 16);
  at.writeBigUInt64LE(BigInt(paddr), 24);
  at.writeBigUInt64LE(BigInt(size), 32);
  at.writeBigUInt64LE(BigInt(size), 40);
}
