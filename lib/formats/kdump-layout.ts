/**
 * The kdump-compressed format: where its parts lie and how its structures are laid out, for readers and writers.
 * Version 6 with 64-bit structures, as makedumpfile writes it on every 64-bit machine. The file has the byte order of
 * the dead kernel. Sources: IMPLEMENTATION in makedumpfile's documentation, "The kdump-compressed format"; the names
 * are those of crash's diskdump.h.
 *
 * ```
 * block 0                            disk_dump_header, rest zeros
 * block 1                            kdump_sub_header, behind it the notes
 * block 1 + subHeaderBlocks          bitmap 1: the page frame exists; LSB first in either byte order
 *       + bitmapBlocks / 2           bitmap 2: the page has a descriptor
 *       + bitmapBlocks / 2           page descriptors, in ascending order of pfn
 * right behind them, unaligned       stored pages
 * ```
 */

/** disk_dump_header.signature, with no terminator. */
export const KDUMP_SIGNATURE = 'KDUMP   ';

/** disk_dump_header.header_version. */
export const KDUMP_VERSION = 6;

/** sizeof(struct disk_dump_header), bytes. */
export const HEADER_SIZE = 464;

/** sizeof(struct kdump_sub_header), bytes. */
export const SUB_HEADER_SIZE = 104;

/** sizeof(page_desc_t), bytes. */
export const DESCRIPTOR_SIZE = 24;

/** __NEW_UTS_LEN + 1: bytes of a string in struct new_utsname (include/uapi/linux/utsname.h), which has six. */
export const UTSNAME_STRING = 65;
export const UTSNAME_SIZE = 6 * UTSNAME_STRING;

/** disk_dump_header.status: pages are missing, or it never came to its end (DUMP_DH_COMPRESSED_INCOMPLETE). */
export const STATUS_INCOMPLETE = 0x8;

/** disk_dump_header.status: the vmemmap of excluded pages was excluded too (DUMP_DH_EXCLUDED_VMEMMAP). */
export const STATUS_EXCLUDED_VMEMMAP = 0x10;

/** Byte offsets in struct disk_dump_header, 64-bit. */
export const HEADER = {
  signature: 0, // char[8]
  headerVersion: 8, // i32
  utsname: 12, // struct new_utsname, then 6 bytes of padding
  timestampSeconds: 408, // i64
  timestampMicroseconds: 416, // i64
  status: 424, // u32
  blockSize: 428, // i32, bytes: the page size
  subHeaderSize: 432, // i32, blocks
  bitmapBlocks: 436, // u32, both bitmaps
  maxMapnr: 440, // u32, the low 32 bits' worth; see SUB_HEADER.maxMapnr64
  totalRamBlocks: 444, // u32, unused
  deviceBlocks: 448, // u32, unused
  writtenBlocks: 452, // u32, unused
  currentCpu: 456, // u32, unused
  nrCpus: 460, // i32
} as const;

/**
 * Byte offsets in struct disk_dump_header of a 32-bit machine (crash's diskdump.h, whose struct timeval it is): 2 bytes of
 * padding, and timestamps of 32 bits.
 */
export const HEADER_32 = {
  ...HEADER,
  timestampSeconds: 404,
  status: 412,
  blockSize: 416,
  subHeaderSize: 420,
  bitmapBlocks: 424,
  maxMapnr: 428,
  nrCpus: 448,
} as const;

/** Byte offsets in struct kdump_sub_header, 64-bit. */
export const SUB_HEADER = {
  physBase: 0, // u64, two's complement
  dumpLevel: 8, // i32
  split: 12, // i32, since version 2
  startPfn: 16, // u64
  endPfn: 24, // u64
  offsetVmcoreinfo: 32, // i64, file offset, since version 3
  sizeVmcoreinfo: 40, // u64
  offsetNote: 48, // i64, file offset, since version 4
  sizeNote: 56, // u64
  offsetEraseinfo: 64, // i64, file offset, since version 5
  sizeEraseinfo: 72, // u64
  startPfn64: 80, // u64, since version 6
  endPfn64: 88, // u64
  maxMapnr64: 96, // u64
} as const;

/** Byte offsets in page_desc_t. */
export const DESCRIPTOR = {
  offset: 0, // i64, file offset of the stored page
  size: 8, // u32, bytes
  flags: 12, // u32: 0, or one compression
  pageFlags: 16, // u64, always 0
} as const;

/** What disk_dump_header says; the fields that nobody uses are zero. */
export interface KdumpHeader {
  /** Six strings of 65 bytes, raw: {@link UTSNAME_SIZE} bytes. */
  readonly utsname: Uint8Array;
  /** Time of the crash in seconds since the epoch. */
  readonly crashTime: number;
  /** STATUS_ bits and the compression in use. */
  readonly status: number;
  /** The page size in bytes. */
  readonly blockSize: number;
  readonly subHeaderBlocks: number;
  readonly bitmapBlocks: number;
  readonly maxMapnr: number;
  readonly nrCpus: number;
}

/** The header of a dump; the layout's constants and the zeros of the fields that nobody uses included. */
export function encodeHeader(header: KdumpHeader, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < KDUMP_SIGNATURE.length; i++) bytes[i] = KDUMP_SIGNATURE.charCodeAt(i);
  view.setInt32(HEADER.headerVersion, KDUMP_VERSION, littleEndian);
  bytes.set(header.utsname.subarray(0, UTSNAME_SIZE), HEADER.utsname);
  view.setBigInt64(HEADER.timestampSeconds, BigInt(header.crashTime), littleEndian);
  view.setUint32(HEADER.status, header.status, littleEndian);
  view.setInt32(HEADER.blockSize, header.blockSize, littleEndian);
  view.setInt32(HEADER.subHeaderSize, header.subHeaderBlocks, littleEndian);
  view.setUint32(HEADER.bitmapBlocks, header.bitmapBlocks, littleEndian);
  view.setUint32(HEADER.maxMapnr, Math.min(header.maxMapnr, 0xffffffff), littleEndian);
  view.setInt32(HEADER.nrCpus, header.nrCpus, littleEndian);
  return bytes;
}

/** Where something lies in the file, in bytes. */
export interface FileRange {
  readonly offset: number;
  readonly size: number;
}

/** What kdump_sub_header says. */
export interface KdumpSubHeader {
  /** Physical address that the kernel's text is mapped to, minus its link address; may be negative. 0 on s390x. */
  readonly physBase: bigint;
  readonly dumpLevel: number;
  readonly maxMapnr: number;
  /** The notes; {0, 0} when there are none. */
  readonly notes: FileRange;
  /** The text of VMCOREINFO, inside the notes; {0, 0} when there is none. */
  readonly vmcoreinfo: FileRange;
  /** The text of ERASEINFO, behind the pages. */
  readonly eraseinfo?: FileRange | undefined;
  /** The pages that this file of a split set has. */
  readonly split?: { readonly startPfn: number; readonly endPfn: number } | undefined;
}

/** The sub header of a dump. */
export function encodeSubHeader(header: KdumpSubHeader, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(SUB_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  const set64 = (offset: number, value: number) => view.setBigInt64(offset, BigInt(value), littleEndian);
  view.setBigInt64(SUB_HEADER.physBase, header.physBase, littleEndian);
  view.setInt32(SUB_HEADER.dumpLevel, header.dumpLevel, littleEndian);
  set64(SUB_HEADER.offsetVmcoreinfo, header.vmcoreinfo.offset);
  set64(SUB_HEADER.sizeVmcoreinfo, header.vmcoreinfo.size);
  set64(SUB_HEADER.offsetNote, header.notes.offset);
  set64(SUB_HEADER.sizeNote, header.notes.size);
  set64(SUB_HEADER.maxMapnr64, header.maxMapnr);
  set64(SUB_HEADER.offsetEraseinfo, header.eraseinfo?.offset ?? 0);
  set64(SUB_HEADER.sizeEraseinfo, header.eraseinfo?.size ?? 0);
  if (header.split) {
    const { startPfn, endPfn } = header.split;
    view.setInt32(SUB_HEADER.split, 1, littleEndian);
    set64(SUB_HEADER.startPfn, Math.min(startPfn, 0xffffffff));
    set64(SUB_HEADER.endPfn, Math.min(endPfn, 0xffffffff));
    set64(SUB_HEADER.startPfn64, startPfn);
    set64(SUB_HEADER.endPfn64, endPfn);
  }
  return bytes;
}

/** Where the parts of a dump lie. Sizes in blocks or bytes as named, all offsets in bytes. */
export interface KdumpLayout {
  readonly subHeaderBlocks: number;
  /** Blocks of both bitmaps. */
  readonly bitmapBlocks: number;
  /** The notes, right behind the sub header. */
  readonly notesOffset: number;
  readonly bitmap1Offset: number;
  readonly bitmap2Offset: number;
  /** The page descriptors; the stored pages begin right behind the last of them. */
  readonly descriptorsOffset: number;
}

/** The layout of a dump of `maxMapnr` page frames with notes of `notesSize` bytes. */
export function kdumpLayout(blockSize: number, notesSize: number, maxMapnr: number): KdumpLayout {
  const subHeaderBlocks = Math.ceil((SUB_HEADER_SIZE + notesSize) / blockSize);
  const blocksPerBitmap = Math.ceil(Math.ceil(maxMapnr / 8) / blockSize);
  const bitmap1Offset = (1 + subHeaderBlocks) * blockSize;
  return {
    subHeaderBlocks,
    bitmapBlocks: 2 * blocksPerBitmap,
    notesOffset: blockSize + SUB_HEADER_SIZE,
    bitmap1Offset,
    bitmap2Offset: bitmap1Offset + blocksPerBitmap * blockSize,
    descriptorsOffset: bitmap1Offset + 2 * blocksPerBitmap * blockSize,
  };
}

/** Writes a page descriptor at byte `at` of `view`. Its page_flags stay as they are: zero. */
export function encodeDescriptor(
  view: DataView,
  at: number,
  offset: number,
  size: number,
  flags: number,
  littleEndian: boolean,
): void {
  const high = Math.floor(offset / 0x100000000);
  view.setUint32(at + DESCRIPTOR.offset, littleEndian ? offset >>> 0 : high, littleEndian);
  view.setUint32(at + DESCRIPTOR.offset + 4, littleEndian ? high : offset >>> 0, littleEndian);
  view.setUint32(at + DESCRIPTOR.size, size, littleEndian);
  view.setUint32(at + DESCRIPTOR.flags, flags, littleEndian);
}

/** What a page descriptor says, whether it makes sense or not. */
export interface PageDescriptor {
  /** File offset; 0 where there is no data. Beyond 2^53 it is not exact, and larger than any file. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** 0, or one compression. */
  readonly flags: number;
}

/** The page descriptor at byte `at` of `view`. */
export function decodeDescriptor(view: DataView, at: number, littleEndian: boolean): PageDescriptor {
  const low = view.getUint32(at + DESCRIPTOR.offset + (littleEndian ? 0 : 4), littleEndian);
  const high = view.getUint32(at + DESCRIPTOR.offset + (littleEndian ? 4 : 0), littleEndian);
  return {
    offset: high * 0x100000000 + low,
    size: view.getUint32(at + DESCRIPTOR.size, littleEndian),
    flags: view.getUint32(at + DESCRIPTOR.flags, littleEndian),
  };
}
