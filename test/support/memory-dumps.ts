// Dumps of formats that are little more than memory, right or wrong.

/** A range of physical memory. */
export interface MemoryRange {
  readonly paddr: number | bigint;
  readonly data: Uint8Array;
  /** What its header says of the last byte's address. Default: where the data ends. */
  readonly last?: bigint;
}

/** LiME, version 1: doc/README.md of the Linux Memory Extractor. */
export function buildLime(ranges: readonly MemoryRange[]): Buffer {
  const parts = ranges.flatMap(({ paddr, data, last }) => {
    const header = Buffer.alloc(32);
    header.writeUInt32LE(0x4c694d45, 0);
    header.writeUInt32LE(1, 4);
    header.writeBigUInt64LE(BigInt(paddr), 8);
    header.writeBigUInt64LE(last ?? BigInt(paddr) + BigInt(data.length) - 1n, 16);
    return [header, data];
  });
  return Buffer.concat(parts);
}

/** An ELF32 core of one PT_LOAD for each range. */
export function buildElf32(ranges: readonly MemoryRange[], littleEndian = true): Buffer {
  const [ehdr, phdr] = [52, 32];
  const head = new DataView(new ArrayBuffer(ehdr + phdr * ranges.length));
  [0x7f, 0x45, 0x4c, 0x46, 1, littleEndian ? 1 : 2, 1].forEach((byte, i) => {
    head.setUint8(i, byte);
  });
  head.setUint16(16, 4, littleEndian); // ET_CORE
  head.setUint16(18, 3, littleEndian); // EM_386
  head.setUint32(20, 1, littleEndian);
  head.setUint32(28, ehdr, littleEndian); // e_phoff
  head.setUint16(40, ehdr, littleEndian);
  head.setUint16(42, phdr, littleEndian);
  head.setUint16(44, ranges.length, littleEndian);
  let offset = head.byteLength;
  ranges.forEach(({ paddr, data }, i) => {
    const fields = [1, offset, 0xc0000000 + Number(paddr), Number(paddr), data.length, data.length, 7, 0];
    fields.forEach((field, word) => {
      head.setUint32(ehdr + phdr * i + 4 * word, field, littleEndian);
    });
    offset += data.length;
  });
  return Buffer.concat([new Uint8Array(head.buffer), ...ranges.map(({ data }) => data)]);
}
