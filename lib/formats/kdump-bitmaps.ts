import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { VmcoreError } from '../errors.ts';
import type { Extents } from './extents.ts';
import { bitmapStart, type KdumpFacts } from './kdump-headers.ts';
import { PADDR_LIMIT } from './machine.ts';

/** Bytes of one bitmap: for 64 TiB of memory in pages of 4 KiB, the most that x86_64 has with 4 levels. */
const BITMAP_LIMIT = 2 ** 31;

/** The bitmaps of a kdump-compressed file, one bit a pfn, the lowest bit of a byte first. */
export interface KdumpBitmaps {
  /** The page frame exists. */
  readonly bitmap1: Uint8Array;
  /** The page has a descriptor. */
  readonly bitmap2: Uint8Array;
}

/** @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, also when they contradict each other. */
export function readBitmaps(source: ByteSource, facts: KdumpFacts): KdumpBitmaps {
  const bitmaps = readBothBitmaps(source, facts);
  const wrong = findContradiction(bitmaps);
  if (wrong < 0) return bitmaps;
  throw new VmcoreError('ERR_VMCORE_CORRUPT', `${source.name}: ${describeContradiction(wrong)}`, {
    file: source.name,
    offset: bitmap2Offset(facts) + wrong,
  });
}

/** Byte of bitmap 2 with a page that does not exist by bitmap 1; -1 when there is none. */
export function findContradiction({ bitmap1, bitmap2 }: KdumpBitmaps): number {
  return bitmap2.findIndex((byte, i) => (byte & ~bitmap1[i]!) !== 0);
}

/** What is wrong with such a byte. */
export function describeContradiction(byte: number): string {
  return `its bitmaps contradict each other: between pfn ${byte * 8} and ${byte * 8 + 7} is a page that has data and does not exist`;
}

/** File offset of bitmap 2, where there is one. */
export function bitmap2Offset({ blockSize, bitmapBlocks, subHeaderBlocks }: KdumpFacts): number {
  return (1 + subHeaderBlocks + bitmapBlocks / 2) * blockSize;
}

/**
 * Both begin at a block. A file whose bitmaps have room for only one has left out no page (crash diskdump.c; libkdumpfile read_bitmap).
 * @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT.
 */
export function readBothBitmaps(source: ByteSource, facts: KdumpFacts): KdumpBitmaps {
  const { blockSize, bitmapBlocks, maxMapnr } = facts;
  const offset = bitmapStart(facts);
  const total = bitmapBlocks * blockSize;
  if (maxMapnr > total * 8 || maxMapnr * blockSize > PADDR_LIMIT || maxMapnr / 8 > BITMAP_LIMIT) {
    const what = `claims ${maxMapnr} page frames, and has ${total} bytes of bitmaps`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `${source.name}: ${what}`, { file: source.name, offset });
  }
  requireRange(source, offset, total);
  const bitmap1 = readBitmap(source, offset, maxMapnr);
  const blocksPerBitmap = Math.ceil(maxMapnr / 8 / blockSize);
  if (bitmapBlocks < 2 * blocksPerBitmap) return { bitmap1, bitmap2: bitmap1 };
  return { bitmap1, bitmap2: readBitmap(source, bitmap2Offset(facts), maxMapnr) };
}

function readBitmap(source: ByteSource, offset: number, bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits / 8));
  source.read(offset, bytes);
  if (bits % 8 !== 0) bytes[bytes.length - 1]! &= (1 << (bits % 8)) - 1;
  return bytes;
}

/** What is known of a page frame. */
const [ABSENT, EXCLUDED, PRESENT] = [0, 1, 2];

/** Extents whose offsets are the physical addresses themselves; excluded pages are extents without data. */
export function extentsOf({ bitmap1, bitmap2 }: KdumpBitmaps, blockSize: number): Extents {
  const start: number[] = [];
  const end: number[] = [];
  const offset: number[] = [];
  let state = ABSENT;
  const change = (pfn: number, next: number) => {
    if (state !== ABSENT) end.push(pfn * blockSize);
    if (next !== ABSENT) {
      start.push(pfn * blockSize);
      offset.push(next === PRESENT ? pfn * blockSize : -1);
    }
    state = next;
  };
  for (let i = 0; i < bitmap1.length; i++) {
    const exists = bitmap1[i]!;
    const present = bitmap2[i]!;
    if (exists === present && present === (state === PRESENT ? 0xff : 0) && state !== EXCLUDED) continue;
    if (state === EXCLUDED && exists === 0xff && present === 0) continue;
    for (let bit = 0; bit < 8; bit++) {
      const next = ((exists >> bit) & 1) + ((present >> bit) & 1);
      if (next !== state) change(i * 8 + bit, next);
    }
  }
  if (state !== ABSENT) change(bitmap1.length * 8, ABSENT);
  return {
    count: start.length,
    start: Float64Array.from(start),
    end: Float64Array.from(end),
    offset: Float64Array.from(offset),
  };
}
