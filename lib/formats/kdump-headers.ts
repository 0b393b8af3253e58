import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { damaged, narrow, unsupported } from './damaged.ts';
import {
  type FileRange,
  HEADER,
  HEADER_32,
  HEADER_SIZE,
  KDUMP_SIGNATURE,
  KDUMP_VERSION,
  SUB_HEADER,
  SUB_HEADER_SIZE,
  UTSNAME_SIZE,
} from './kdump-layout.ts';
import { isPageSize } from './machine.ts';

/** What the headers of a kdump-compressed file say, of any version, word size and byte order. */
export interface KdumpFacts {
  readonly littleEndian: boolean;
  readonly is64Bit: boolean;
  /** disk_dump_header.header_version, 0 to 6. */
  readonly version: number;
  /** STATUS_ bits and the compression in use. */
  readonly status: number;
  /** The page size in bytes. */
  readonly blockSize: number;
  readonly subHeaderBlocks: number;
  /** Blocks of all bitmaps. */
  readonly bitmapBlocks: number;
  /** Page frames: the bitmaps have as many bits. */
  readonly maxMapnr: number;
  /** The same in disk_dump_header, which has 32 bits for it. */
  readonly maxMapnr32: number;
  readonly nrCpus: number;
  /** Seconds since the epoch; 0 where it is not known. */
  readonly crashTime: number;
  /** struct new_utsname, raw. */
  readonly utsname: Uint8Array;
  readonly physBase: bigint;
  readonly dumpLevel: number;
  /** The page frames whose pages this file holds; undefined unless it is a member of a split set. */
  readonly split: { readonly startPfn: number; readonly endPfn: number } | undefined;
  readonly vmcoreinfo: FileRange;
  readonly notes: FileRange;
  /** What was erased, as text. */
  readonly eraseinfo: FileRange;
}

/** Byte offsets in struct kdump_sub_header: they depend on what a long is, and on how 64-bit fields are aligned. */
type SubHeaderLayout = { readonly [field in keyof typeof SUB_HEADER]: number };

/** struct kdump_sub_header of a machine that aligns 64-bit fields to 4 bytes (i386). */
const SUB_HEADER_PACKED: SubHeaderLayout = {
  physBase: 0,
  dumpLevel: 4,
  split: 8,
  startPfn: 12,
  endPfn: 16,
  offsetVmcoreinfo: 20,
  sizeVmcoreinfo: 28,
  offsetNote: 32,
  sizeNote: 40,
  offsetEraseinfo: 44,
  sizeEraseinfo: 52,
  startPfn64: 56,
  endPfn64: 64,
  maxMapnr64: 72,
};

/** struct kdump_sub_header of a 32-bit machine that aligns 64-bit fields to 8 bytes (arm). */
const SUB_HEADER_PADDED: SubHeaderLayout = {
  ...SUB_HEADER_PACKED,
  offsetVmcoreinfo: 24,
  sizeVmcoreinfo: 32,
  offsetNote: 40,
  sizeNote: 48,
  offsetEraseinfo: 56,
  sizeEraseinfo: 64,
  startPfn64: 72,
  endPfn64: 80,
  maxMapnr64: 88,
};

/** File offset of bitmap 1. */
export function bitmapStart({ subHeaderBlocks, blockSize }: KdumpFacts): number {
  return (1 + subHeaderBlocks) * blockSize;
}

/** File offset of the page descriptors, behind the bitmaps. */
export function descriptorsStart({ subHeaderBlocks, bitmapBlocks, blockSize }: KdumpFacts): number {
  return (1 + subHeaderBlocks + bitmapBlocks) * blockSize;
}

/** True for what begins with the signature. */
export function isKdump(head: Uint8Array): boolean {
  return [...KDUMP_SIGNATURE].every((letter, i) => head[i] === letter.charCodeAt(0));
}

/** @throws VmcoreError ERR_VMCORE_FORMAT, ERR_VMCORE_CORRUPT, ERR_VMCORE_TRUNCATED when the headers are not all there. */
export function readKdumpHeaders(source: ByteSource): KdumpFacts {
  // The sizes of the 64-bit layout; no other one is longer.
  const bytes = new Uint8Array(HEADER_SIZE);
  source.read(0, bytes.subarray(0, Math.min(source.size, HEADER_SIZE)));
  if (!isKdump(bytes)) throw unsupported(source.name, 'is no kdump-compressed file');
  requireRange(source, 0, HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  const header = findLayout(view);
  if (!header) {
    const what = 'has the signature of a kdump-compressed file and no header behind it';
    throw damaged(source.name, `${what} that makes sense in either byte order and word size`, 0);
  }
  const sub = new Uint8Array(SUB_HEADER_SIZE);
  requireRange(source, header.blockSize, SUB_HEADER_SIZE);
  source.read(header.blockSize, sub);
  const facts = { ...header, utsname: bytes.subarray(HEADER.utsname, HEADER.utsname + UTSNAME_SIZE) };
  return { ...facts, ...new SubHeaderReader(source, header, new DataView(sub.buffer)).read() };
}

type HeaderFacts = Omit<
  KdumpFacts,
  'utsname' | 'physBase' | 'dumpLevel' | 'split' | 'vmcoreinfo' | 'notes' | 'eraseinfo'
>;

/** The header does not say its byte order and word size: the one that makes sense is taken. */
function findLayout(view: DataView): HeaderFacts | undefined {
  for (const is64Bit of [true, false]) {
    for (const littleEndian of [true, false]) {
      const header = readHeader(view, is64Bit, littleEndian);
      if (makesSense(header)) return header;
    }
  }
  return undefined;
}

function readHeader(view: DataView, is64Bit: boolean, littleEndian: boolean): HeaderFacts {
  const layout = is64Bit ? HEADER : HEADER_32;
  const seconds = layout.timestampSeconds;
  return {
    littleEndian,
    is64Bit,
    version: view.getInt32(HEADER.headerVersion, littleEndian),
    crashTime: is64Bit
      ? Number(view.getBigInt64(seconds, littleEndian))
      : view.getInt32(seconds, littleEndian),
    status: view.getUint32(layout.status, littleEndian),
    blockSize: view.getInt32(layout.blockSize, littleEndian),
    subHeaderBlocks: view.getInt32(layout.subHeaderSize, littleEndian),
    bitmapBlocks: view.getUint32(layout.bitmapBlocks, littleEndian),
    maxMapnr: view.getUint32(layout.maxMapnr, littleEndian),
    maxMapnr32: view.getUint32(layout.maxMapnr, littleEndian),
    nrCpus: view.getInt32(layout.nrCpus, littleEndian),
  };
}

function makesSense({ version, blockSize, subHeaderBlocks, bitmapBlocks, maxMapnr }: HeaderFacts): boolean {
  return (
    version >= 0 &&
    version <= KDUMP_VERSION &&
    isPageSize(blockSize) &&
    subHeaderBlocks > 0 &&
    bitmapBlocks > 0 &&
    bitmapBlocks * blockSize * 8 >= maxMapnr
  );
}

/** Reads kdump_sub_header, whose fields came with the versions of the format. */
class SubHeaderReader {
  readonly #source: ByteSource;
  readonly #header: HeaderFacts;
  readonly #view: DataView;
  readonly #layout: SubHeaderLayout;

  constructor(source: ByteSource, header: HeaderFacts, view: DataView) {
    this.#source = source;
    this.#header = header;
    this.#view = view;
    this.#layout = header.is64Bit ? SUB_HEADER : this.#layout32();
  }

  read(): Omit<KdumpFacts, keyof HeaderFacts | 'utsname'> {
    const { version, littleEndian, is64Bit } = this.#header;
    const { physBase, dumpLevel, split } = this.#layout;
    const isSplit = version >= 2 && this.#view.getInt32(split, littleEndian) !== 0;
    return {
      physBase: is64Bit
        ? this.#view.getBigInt64(physBase, littleEndian)
        : BigInt(this.#view.getUint32(physBase, littleEndian)),
      dumpLevel: version >= 1 ? this.#view.getInt32(dumpLevel, littleEndian) & 31 : 0,
      split: isSplit
        ? { startPfn: this.#pfn('startPfn', 'startPfn64'), endPfn: this.#pfn('endPfn', 'endPfn64') }
        : undefined,
      vmcoreinfo: version >= 3 ? this.#range('offsetVmcoreinfo', 'sizeVmcoreinfo') : { offset: 0, size: 0 },
      notes: version >= 4 ? this.#range('offsetNote', 'sizeNote') : { offset: 0, size: 0 },
      eraseinfo: version >= 5 ? this.#range('offsetEraseinfo', 'sizeEraseinfo') : { offset: 0, size: 0 },
      ...(version >= 6 && { maxMapnr: this.#quad('maxMapnr64') }),
    };
  }

  /** By where VMCOREINFO would lie: it is in the blocks of the sub header (libkdumpfile decides the same way). */
  #layout32(): SubHeaderLayout {
    const { version, blockSize, subHeaderBlocks, littleEndian } = this.#header;
    if (version < 3) return SUB_HEADER_PACKED;
    const { offsetVmcoreinfo, sizeVmcoreinfo } = SUB_HEADER_PACKED;
    const offset = Number(this.#view.getBigUint64(offsetVmcoreinfo, littleEndian));
    const size = this.#view.getUint32(sizeVmcoreinfo, littleEndian);
    const isAbsent = offset === 0 && size === 0;
    const isInside = offset > blockSize && offset + size <= (1 + subHeaderBlocks) * blockSize;
    return isAbsent || isInside ? SUB_HEADER_PACKED : SUB_HEADER_PADDED;
  }

  #pfn(field: 'startPfn' | 'endPfn', field64: 'startPfn64' | 'endPfn64'): number {
    return this.#header.version >= 6 ? this.#quad(field64) : this.#long(field);
  }

  #range(offset: keyof SubHeaderLayout, size: keyof SubHeaderLayout): FileRange {
    return { offset: this.#quad(offset), size: this.#long(size) };
  }

  #long(field: keyof SubHeaderLayout): number {
    if (this.#header.is64Bit) return this.#quad(field);
    return this.#view.getUint32(this.#layout[field], this.#header.littleEndian);
  }

  #quad(field: keyof SubHeaderLayout): number {
    const at = this.#layout[field];
    const value = this.#view.getBigUint64(at, this.#header.littleEndian);
    return narrow(this.#source.name, value, field, this.#header.blockSize + at);
  }
}
