// Dumps as the s390 stand-alone dumpers write them (s390-tools, include/dump/s390_dump.h, zipl/boot/eckd2dump_zlib.c).
import { deflateSync } from 'node:zlib';

export interface S390DumpShape {
  /** From physical address 0 on. */
  readonly memory: Uint8Array;
  /** Default 4096. */
  readonly headerBytes?: number;
  /** Prefix registers of the CPUs. */
  readonly prefixes?: readonly number[];
  readonly endMarker?: string;
  /** TOD clock in the end marker. Default: later than that of the header. */
  readonly endTod?: bigint;
  /** What makes it one in extended format: the rest of memory has to be zeros. */
  readonly segments?: readonly S390SegmentShape[];
  /** Blocks of the DASD. Default 4096. In bytes. */
  readonly blockBytes?: number;
  /** Bytes of memory that are compressed together. Default 1 MiB. */
  readonly entryBytes?: number;
}

/** A stretch of memory in extended format. */
export interface S390SegmentShape {
  readonly start: number;
  readonly length: number;
  readonly isCompressed?: boolean;
  /** Which of its entries are stored as they are. */
  readonly rawEntries?: readonly number[];
}

const MAGIC = 0xa8190173618f23fdn;
const EXTENDED_MAGIC = 0xa8190173618f23fen;
/** TOD clock in the header. */
export const TOD = 0xe3a5_bc3e_0000_0000n;
const MIB = 1 << 20;
const PAGE = 4096;
const UNCOMPRESSED = 0x80000000;

export function buildS390Dump(shape: S390DumpShape): Buffer {
  const { memory, segments, endMarker = 'DUMP_END', endTod = TOD + 1n } = shape;
  const end = Buffer.alloc(16);
  end.write(endMarker, 'latin1');
  end.writeBigUInt64BE(endTod, 8);
  const data = segments?.flatMap((segment, i) => buildSegment(shape, segment, i === segments.length - 1)) ?? [
    memory,
  ];
  return Buffer.concat([buildHeader(shape), ...data, end]);
}

/** The megabytes that are not zeros, as the dumpers find them: the first one is never compressed. */
export function segmentsOf(memory: Uint8Array, isCompressed: boolean): S390SegmentShape[] {
  const segments: S390SegmentShape[] = [{ start: 0, length: MIB }];
  for (let start = MIB; start < memory.length; start += MIB) {
    if (memory.subarray(start, start + MIB).every((byte) => byte === 0)) continue;
    const last = segments.at(-1)!;
    const continues = last.start > 0 && last.start + last.length === start;
    if (continues) segments[segments.length - 1] = { ...last, length: last.length + MIB };
    else segments.push({ start, length: MIB, isCompressed });
  }
  return segments;
}

function buildHeader(shape: S390DumpShape): Buffer {
  const { memory, headerBytes = 4096, prefixes = [], segments, entryBytes = MIB } = shape;
  const isCompressed = segments?.some((segment) => segment.isCompressed);
  const header = Buffer.alloc(headerBytes);
  header.writeBigUInt64BE(segments ? EXTENDED_MAGIC : MAGIC, 0);
  header.writeUInt32BE(segments ? 2 : 5, 8); // version
  header.writeUInt32BE(headerBytes, 12);
  header.writeUInt32BE(4, 16); // dump level
  header.writeUInt32BE(4096, 20); // page size
  header.writeBigUInt64BE(BigInt(memory.length), 24);
  header.writeBigUInt64BE(BigInt(memory.length), 40); // memory end
  header.writeUInt32BE(memory.length / 4096, 48); // pages
  header.writeBigUInt64BE(TOD, 56);
  header.writeUInt32BE(2, 72); // 64 bits
  header.writeBigUInt64BE(BigInt(memory.length), 84);
  header.writeUInt16BE(prefixes.length, 93); // CPUs, all and online
  header.writeUInt16BE(prefixes.length, 95);
  if (isCompressed) {
    header.writeUInt8(1, 97); // version of the dumper's zlib
    header.writeUInt32BE(entryBytes, 98);
  }
  prefixes.forEach((prefix, i) => {
    header.writeUInt32BE(prefix, 0x800 + i * 4);
  });
  return header;
}

function buildSegment(shape: S390DumpShape, segment: S390SegmentShape, isLast: boolean): Buffer[] {
  const { memory, blockBytes = 4096 } = shape;
  const { start, length, isCompressed } = segment;
  const header = Buffer.alloc(4096);
  header.writeBigUInt64BE(BigInt(start), 0);
  header.writeBigUInt64BE(BigInt(length), 8);
  if (isLast) header.writeBigUInt64BE(2n ** 64n - 1n, 16); // stop marker
  if (!isCompressed) return [header, Buffer.from(memory.subarray(start, start + length))];
  const entries = buildEntries(shape, segment);
  let blocks = 0;
  entries.forEach(({ data, isRaw }, i) => {
    header.writeUInt32BE(blocks + (isRaw ? UNCOMPRESSED : 0), 0x34 + i * 4);
    blocks += data.length / blockBytes;
  });
  header.writeUInt32BE(blocks, 0x18);
  header.writeUInt32BE(entries.length, 0x30);
  return [header, ...entries.map(({ data }) => data)];
}

/** What is behind a stream up to the next page is undefined. */
function buildEntries(
  { memory, entryBytes = MIB }: S390DumpShape,
  { start, length, rawEntries = [] }: S390SegmentShape,
): { data: Buffer; isRaw: boolean }[] {
  return Array.from({ length: Math.ceil(length / entryBytes) }, (_, i) => {
    const from = start + i * entryBytes;
    const bytes = memory.subarray(from, Math.min(from + entryBytes, start + length));
    const isRaw = rawEntries.includes(i);
    const stored = isRaw ? bytes : deflateSync(bytes, { level: 1 });
    const data = Buffer.alloc(Math.ceil(stored.length / PAGE) * PAGE, 0x5a);
    data.set(stored);
    return { data, isRaw };
  });
}
