// QEMU's flattened kdump-zlib as QEMU with LZO or Snappy writes it: its records and headers, the pages in that codec.
// (QEMU's dump.c writes the same with each codec; Debian builds it without these two.)
import { codec } from '../../lib/codecs/registry.ts';
import { setBits } from '../support/bits.ts';

interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
}

interface Descriptor {
  readonly offset: number;
  readonly size: number;
  readonly flags: number;
}

const PAGE = 4096;
const DESCRIPTOR = 24;
/** Bits of status and flags (makedumpfile's diskdump_mod.h). */
const flagOf = { zlib: 1, lzo: 2, snappy: 4 } as const;
/** struct disk_dump_header: status, sub_hdr_size, bitmap_blocks. */
const [STATUS, SUB_BLOCKS, BITMAP_BLOCKS] = [424, 432, 436];
/** Bytes of a flattened file's header, and of the head of a record. */
const [FLATTENED_HEADER, RECORD_HEAD] = [4096, 16];
const PAGES_AT_A_TIME = 512;

/** @param flattened little-endian, of pages of 4 KiB. */
export function recodeQemuDump(flattened: Uint8Array, name: 'lzo' | 'snappy'): Buffer {
  const records = recordsOf(flattened);
  const plain = plainFile(records);
  const descriptorsStart = (1 + plain.readUInt32LE(SUB_BLOCKS) + plain.readUInt32LE(BITMAP_BLOCKS)) * PAGE;
  const heads = records.filter(({ offset }) => offset < descriptorsStart);
  heads.find(({ offset }) => offset === 0)!.bytes.writeUInt32LE(flagOf[name], STATUS);
  const end = Buffer.alloc(RECORD_HEAD, 0xff);
  return Buffer.concat([
    flattened.subarray(0, FLATTENED_HEADER),
    ...[...heads, ...recodedPages(plain, descriptorsStart, name)].map(recordOf),
    end,
  ]);
}

function recordsOf(flattened: Uint8Array): Piece[] {
  const view = Buffer.from(flattened.buffer, flattened.byteOffset, flattened.length);
  const records: Piece[] = [];
  for (let at = FLATTENED_HEADER; ; ) {
    const [offset, size] = [Number(view.readBigInt64BE(at)), Number(view.readBigInt64BE(at + 8))];
    if (offset < 0) return records;
    at += RECORD_HEAD + size;
    records.push({ offset, bytes: Buffer.from(view.subarray(at - size, at)) });
  }
}

function plainFile(records: readonly Piece[]): Buffer {
  const plain = Buffer.alloc(Math.max(...records.map(({ offset, bytes }) => offset + bytes.length)));
  for (const { offset, bytes } of records) plain.set(bytes, offset);
  return plain;
}

function recordOf({ offset, bytes }: Piece): Buffer {
  const head = Buffer.alloc(RECORD_HEAD);
  head.writeBigInt64BE(BigInt(offset), 0);
  head.writeBigInt64BE(BigInt(bytes.length), 8);
  return Buffer.concat([head, bytes]);
}

/** Pages that share their data (QEMU's of zeros) go on sharing it. */
function recodedPages(plain: Buffer, descriptorsStart: number, name: 'lzo' | 'snappy'): Piece[] {
  const descriptors = descriptorsOf(plain, descriptorsStart);
  const recoded = new Map<number, Descriptor>();
  const pieces: Piece[] = [];
  let dataEnd = descriptorsStart + DESCRIPTOR * descriptors.length;
  for (let from = 0; from < descriptors.length; from += PAGES_AT_A_TIME) {
    const dataStart = dataEnd;
    const data: Buffer[] = [];
    const batch = descriptors.slice(from, from + PAGES_AT_A_TIME).map((original) => {
      const before = recoded.get(original.offset);
      if (before) return before;
      const { bytes, flags } = recodedPage(plain, original, name);
      const descriptor = { offset: dataEnd, size: bytes.length, flags };
      recoded.set(original.offset, descriptor);
      data.push(bytes);
      dataEnd += bytes.length;
      return descriptor;
    });
    pieces.push({ offset: descriptorsStart + DESCRIPTOR * from, bytes: descriptorBytes(batch) });
    pieces.push({ offset: dataStart, bytes: Buffer.concat(data) });
  }
  return pieces.filter(({ bytes }) => bytes.length > 0);
}

/** One for each page of the second bitmap. */
function descriptorsOf(plain: Buffer, start: number): Descriptor[] {
  const bitmapBytes = (plain.readUInt32LE(BITMAP_BLOCKS) * PAGE) / 2;
  const pages = [...setBits(plain.subarray(start - bitmapBytes, start))];
  return pages.map((_, i) => {
    const at = start + DESCRIPTOR * i;
    return {
      offset: Number(plain.readBigInt64LE(at)),
      size: plain.readUInt32LE(at + 8),
      flags: plain.readUInt32LE(at + 12),
    };
  });
}

function recodedPage(plain: Buffer, { offset, size, flags }: Descriptor, name: 'lzo' | 'snappy') {
  const stored = plain.subarray(offset, offset + size);
  const page = Buffer.alloc(PAGE);
  if (flags === flagOf.zlib) codec('zlib').decompress(stored, page);
  else page.set(stored);
  const room = Buffer.alloc(2 * PAGE);
  const length = codec(name).compress(page, room);
  return length > 0 && length < PAGE
    ? { bytes: room.subarray(0, length), flags: flagOf[name] }
    : { bytes: page, flags: 0 };
}

function descriptorBytes(descriptors: readonly Descriptor[]): Buffer {
  const bytes = Buffer.alloc(DESCRIPTOR * descriptors.length);
  descriptors.forEach(({ offset, size, flags }, i) => {
    bytes.writeBigInt64LE(BigInt(offset), DESCRIPTOR * i);
    bytes.writeUInt32LE(size, DESCRIPTOR * i + 8);
    bytes.writeUInt32LE(flags, DESCRIPTOR * i + 12);
  });
  return bytes;
}
