import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { VmcoreError } from '../errors.ts';
import type { Turns } from '../turns.ts';
import { BIT_COUNTS } from './bit-counts.ts';
import type { Extents } from './extents.ts';
import { bitmapStart, type KdumpFacts } from './kdump-headers.ts';
import { PADDR_LIMIT } from './machine.ts';

/** Bytes of one bitmap: for 64 TiB of memory in pages of 4 KiB, the most that x86_64 has with 4 levels. */
const BITMAP_LIMIT = 2 ** 31;
/** Bytes of the bitmaps between two looks at the clock: some ms where each page differs from the one before it, and nothing is compiled yet. */
const LOOK_BYTES = 8 << 10;
/** What an extent takes in memory: three 64-bit numbers. */
const EXTENT_BYTES = 24;
/**
 * Extents of a dump may take so many bytes (1 TiB of memory has about 1 million of them), and more only where its files are
 * larger, too: each that has data has descriptors and pages there.
 */
const EXTENTS_BYTES = 256 << 20;

/** The bitmaps of a kdump-compressed file, one bit a pfn, the lowest bit of a byte first. */
export interface KdumpBitmaps {
  /** The page frame exists. */
  readonly bitmap1: Uint8Array;
  /** The page has a descriptor. */
  readonly bitmap2: Uint8Array;
}

/**
 * @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, also when they contradict each other; the reason of the
 *   turns' signal.
 */
export async function readBitmaps(
  source: ByteSource,
  facts: KdumpFacts,
  turns: Turns,
): Promise<KdumpBitmaps> {
  const bitmaps = readBothBitmaps(source, facts);
  const wrong = await findContradiction(bitmaps, turns);
  if (wrong < 0) return bitmaps;
  throw new VmcoreError('ERR_VMCORE_CORRUPT', `${source.name}: ${describeContradiction(wrong)}`, {
    file: source.name,
    offset: bitmap2Offset(facts) + wrong,
  });
}

/** Byte of bitmap 2 with a page that does not exist by bitmap 1; -1 when there is none. */
export async function findContradiction({ bitmap1, bitmap2 }: KdumpBitmaps, turns: Turns): Promise<number> {
  const { length } = bitmap2;
  for (let i = 0; i < length; ) {
    for (const end = Math.min(i + LOOK_BYTES, length); i < end; i++)
      if ((bitmap2[i]! & ~bitmap1[i]!) !== 0) return i;
    if (turns.due) await turns.give();
  }
  return -1;
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

/**
 * Extents whose offsets are the physical addresses themselves; excluded pages are extents without data. They are counted
 * before there is memory for them. `file` is the dump, and the length of all its files.
 * @throws VmcoreError ERR_VMCORE_CORRUPT when they would take more memory than a dump of that length needs; the reason of
 *   the turns' signal.
 */
export async function extentsOf(
  bitmaps: KdumpBitmaps,
  blockSize: number,
  file: { readonly name: string; readonly size: number },
  turns: Turns,
): Promise<Extents> {
  let count = 0;
  await forBorders(bitmaps, turns, (_, { starts }) => {
    count += BIT_COUNTS[starts]!;
  });
  if (count * EXTENT_BYTES > Math.max(EXTENTS_BYTES, file.size)) {
    const what = `its bitmaps have ${count} pieces of memory, too many for a dump of ${file.size} bytes`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `${file.name}: ${what}`, { file: file.name });
  }
  const start = new Float64Array(count);
  const end = new Float64Array(count);
  const offset = new Float64Array(count);
  let begun = 0;
  let ended = 0;
  await forBorders(bitmaps, turns, (firstPfn, { starts, ends, present }) => {
    for (let bits = ends; bits !== 0; bits &= bits - 1)
      end[ended++] = (firstPfn + lowestBit(bits)) * blockSize;
    for (let bits = starts; bits !== 0; bits &= bits - 1) {
      const bit = lowestBit(bits);
      start[begun] = (firstPfn + bit) * blockSize;
      offset[begun] = present & (1 << bit) ? start[begun]! : -1;
      begun++;
    }
  });
  return { count, start, end, offset };
}

/** Of 8 page frames, one a bit: where extents begin, and in front of which they end. */
class Borders {
  starts = 0;
  ends = 0;
  present = 0;
  /** What is known of the page frame before, 0 or 1. */
  #existed = 0;
  #wasPresent = 0;

  /** Goes on to the next ones. */
  next(exists: number, present: number): void {
    const existed = ((exists << 1) | this.#existed) & 0xff;
    const changed = present ^ ((present << 1) | this.#wasPresent);
    this.starts = exists & (~existed | changed);
    this.ends = existed & (~exists | changed);
    this.present = present;
    this.#existed = exists >> 7;
    this.#wasPresent = present >> 7;
  }
}

/** Each byte of the bitmaps with a border in it, ascending, and what is behind the last one. */
async function forBorders(
  { bitmap1, bitmap2 }: KdumpBitmaps,
  turns: Turns,
  use: (firstPfn: number, borders: Borders) => void,
): Promise<void> {
  const borders = new Borders();
  const { length } = bitmap1;
  for (let i = 0; i < length; ) {
    for (const end = Math.min(i + LOOK_BYTES, length); i < end; i++) {
      borders.next(bitmap1[i]!, bitmap2[i]!);
      if ((borders.starts | borders.ends) !== 0) use(i * 8, borders);
    }
    if (turns.due) await turns.give();
  }
  borders.next(0, 0);
  use(length * 8, borders);
}

/** The place of the lowest bit that is set. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
