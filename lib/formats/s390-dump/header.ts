import { type ByteSource, requireRange } from '../../access/byte-source.ts';
import { hex } from '../../errors.ts';
import { damaged, unsupported } from '../damaged.ts';
import { PADDR_LIMIT } from '../machine.ts';

/** What a stand-alone dump begins with (s390-tools, include/dump/s390_dump.h): DF_S390_MAGIC and DF_S390_MAGIC_EXT. */
export const S390_MAGIC = 0xa8190173618f23fdn;
const EXTENDED_MAGIC = 0xa8190173618f23fen;
/** DF_S390_HDR_SIZE. In bytes. */
const HEADER_BYTES = 4096;
/** Byte offsets in struct df_s390_hdr, which is big-endian. */
const HEADER = {
  magic: 0, // u64
  version: 8, // u32
  headerSize: 12, // u32, bytes: where memory begins
  pageSize: 20, // u32
  memorySize: 24, // u64, bytes
  tod: 56, // u64, TOD clock when the dump began
  arch: 72, // u32
  volume: 76, // u32
  isMultiVolume: 92, // u8
  cpus: 93, // u16
  zlibVersion: 97, // u8, 0 where nothing is compressed
  entrySize: 98, // u32, bytes of memory that are compressed together
  prefixes: 0x800, // u32 for each of at most 512 CPUs
} as const;
/** DF_S390_CPU_MAX. */
const CPUS_LIMIT = 512;
/** enum df_s390_arch. */
const ARCH_31_BIT = 1;
const ARCH_64_BIT = 2;
/** The version that the dumpers which compress write (zipl/boot/stage2dump.c). */
const COMPRESSED_VERSION = 2;
const PAGE_SIZE = 4096;

/** What the header of a stand-alone dump says. */
export interface S390Header {
  /** Whether memory lies in dump segments, instead of all of it behind the header. */
  readonly isExtended: boolean;
  /** Bytes in front of memory, or of the first dump segment. */
  readonly headerSize: number;
  /** Bytes of memory, from physical address 0 on. */
  readonly memorySize: number;
  /** TOD clock when the dump began. */
  readonly tod: bigint;
  /** Bytes of memory that are compressed together; anything where nothing is compressed. */
  readonly entrySize: number;
  /** Prefix registers of the CPUs. */
  readonly prefixes: readonly number[];
}

/** True for what begins with either magic. */
export function isS390Dump(head: Uint8Array): boolean {
  if (head.length < 8) return false;
  const magic = new DataView(head.buffer, head.byteOffset).getBigUint64(HEADER.magic);
  return magic === S390_MAGIC || magic === EXTENDED_MAGIC;
}

/** @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, ERR_VMCORE_FORMAT for what is not read here. */
export function readS390Header(source: ByteSource): S390Header {
  const bytes = new Uint8Array(HEADER_BYTES);
  requireRange(source, 0, HEADER_BYTES);
  source.read(0, bytes);
  const view = new DataView(bytes.buffer);
  const isExtended = view.getBigUint64(HEADER.magic) === EXTENDED_MAGIC;
  requireKind(source, view, isExtended);
  const headerSize = view.getUint32(HEADER.headerSize);
  const memorySize = view.getBigUint64(HEADER.memorySize);
  const pageSize = view.getUint32(HEADER.pageSize);
  if (headerSize < HEADER_BYTES || memorySize === 0n || memorySize > PADDR_LIMIT || pageSize !== PAGE_SIZE) {
    const what = `claims a header of ${headerSize} bytes and ${memorySize} bytes of memory in pages of ${pageSize}`;
    throw damaged(source.name, what, HEADER.headerSize);
  }
  requireRange(source, headerSize, 1);
  const cpus = Math.min(view.getUint16(HEADER.cpus), CPUS_LIMIT);
  return {
    isExtended,
    headerSize,
    memorySize: Number(memorySize),
    tod: view.getBigUint64(HEADER.tod),
    entrySize: view.getUint32(HEADER.entrySize),
    prefixes: Array.from({ length: cpus }, (_, i) => view.getUint32(HEADER.prefixes + i * 4)),
  };
}

function requireKind(source: ByteSource, view: DataView, isExtended: boolean): void {
  if (view.getUint8(HEADER.isMultiVolume) !== 0) {
    const what = `is volume ${view.getUint32(HEADER.volume)} of a multi-volume dump, which is not read here`;
    const hint = 'zgetdump joins the volumes';
    throw unsupported(source.name, `${what}; ${hint}`, HEADER.isMultiVolume);
  }
  const arch = view.getUint32(HEADER.arch);
  if (arch === ARCH_31_BIT) {
    const what = 'is a dump of a 31-bit system: only those of 64-bit ones are read';
    throw unsupported(source.name, what, HEADER.arch);
  }
  if (arch !== ARCH_64_BIT) {
    throw damaged(source.name, `claims the unknown architecture ${hex(arch)}`, HEADER.arch);
  }
  const version = view.getUint32(HEADER.version);
  if (isExtended && view.getUint8(HEADER.zlibVersion) !== 0 && version !== COMPRESSED_VERSION) {
    const what = `is compressed, by version ${version}: only version ${COMPRESSED_VERSION} is read`;
    throw unsupported(source.name, `${what}; zgetdump may know it`, HEADER.version);
  }
}
