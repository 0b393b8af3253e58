// What a kdump-compressed file says, read by code of the tests' own: an oracle must not share the library's mistakes.
// Offsets: makedumpfile's diskdump_mod.h, struct disk_dump_header and kdump_sub_header on 64-bit machines.
// Fields are in the byte order of the machine that crashed.
import { closeSync, openSync, readSync } from 'node:fs';

/** Bits of the header's status and of a page descriptor's flags. */
export const compressedBy = { none: 0, zlib: 0x1, lzo: 0x2, snappy: 0x4, zstd: 0x20 } as const;
export type Codec = keyof typeof compressedBy;

const incomplete = 0x8;

export interface PageDescriptor {
  offset: number;
  size: number;
  flags: number;
}

export interface KdumpFile {
  version: number;
  blockSize: number;
  maxPfn: number;
  level: number;
  codec: Codec;
  isIncomplete: boolean;
  bitmap1: Buffer;
  bitmap2: Buffer;
  /** The descriptors, by their place in the file: that of a page is the number of bits set below it in bitmap 2. */
  descriptor(index: number): PageDescriptor;
  descriptors: number;
}

function readAt(path: string, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const fd = openSync(path, 'r');
  try {
    const read = readSync(fd, bytes, 0, length, position);
    if (read !== length) throw new Error(`${path}: ${read} of ${length} bytes at ${position}`);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function popcount(bitmap: Buffer): number {
  let count = 0;
  for (const byte of bitmap) for (let rest = byte; rest; rest &= rest - 1) count++;
  return count;
}

function codecOf(status: number): Codec {
  const names = Object.keys(compressedBy) as Codec[];
  return names.find((name) => name !== 'none' && status & compressedBy[name]) ?? 'none';
}

/** Integers of a header or table, in one byte order. */
class Fields {
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(bytes: Buffer, little: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#little = little;
  }

  int(at: number): number {
    return this.#view.getInt32(at, this.#little);
  }

  long(at: number): number {
    return Number(this.#view.getBigInt64(at, this.#little));
  }
}

export function readKdump(path: string): KdumpFile {
  const header = readAt(path, 0, 464);
  if (header.toString('latin1', 0, 8) !== 'KDUMP   ')
    throw new Error(`${path}: not in kdump-compressed format`);
  // Pages are of 4 to 64 KiB: read in the wrong order their length is larger, or no length.
  const little = header.readUInt32LE(428) <= 65536;
  const main = new Fields(header, little);
  const status = main.int(424);
  const blockSize = main.int(428);
  const bitmapStart = (1 + main.int(432)) * blockSize;
  const bitmapBytes = main.int(436) * blockSize;
  const subHeader = new Fields(readAt(path, blockSize, 104), little);
  const bitmaps = readAt(path, bitmapStart, bitmapBytes);
  const bitmap2 = bitmaps.subarray(bitmapBytes / 2);
  const descriptors = popcount(bitmap2);
  const table = new Fields(readAt(path, bitmapStart + bitmapBytes, descriptors * 24), little);
  return {
    version: main.int(8),
    blockSize,
    maxPfn: subHeader.long(96),
    level: subHeader.int(8),
    codec: codecOf(status),
    isIncomplete: (status & incomplete) !== 0,
    bitmap1: bitmaps.subarray(0, bitmapBytes / 2),
    bitmap2,
    descriptors,
    descriptor: (index) => ({
      offset: table.long(index * 24),
      size: table.int(index * 24 + 8),
      flags: table.int(index * 24 + 12),
    }),
  };
}
