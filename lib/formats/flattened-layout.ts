import { damaged, unsupported } from './damaged.ts';

/**
 * The flattened form of a dump: a stream of records, each with the place of its bytes in the file that it stands for. All
 * integers are big-endian, whatever the dumped machine. Later records win over earlier ones; gaps read as zeros. Source:
 * makedumpfile's IMPLEMENTATION, "The flattened format".
 *
 * ```
 * 0      signature, type and version, then zeros up to byte 4096
 * 4096   records: offset i64, size i64, `size` bytes
 * end    a record head of two -1
 * ```
 */

/** 16 bytes, padded with NUL. */
export const FLATTENED_SIGNATURE = 'makedumpfile\0\0\0\0';
const TYPE_OFFSET = 16;
const TYPE = 1n;
const VERSION_OFFSET = 24;
const VERSION = 1n;
/** Bytes. */
export const FLATTENED_HEADER_SIZE = 4096;
/** Bytes of what comes before each record's data. */
export const RECORD_HEAD_SIZE = 16;

/** What begins a stream. */
export function encodeFlattenedHeader(): Uint8Array {
  const bytes = new Uint8Array(FLATTENED_HEADER_SIZE);
  bytes.set(Buffer.from(FLATTENED_SIGNATURE, 'latin1'));
  const view = new DataView(bytes.buffer);
  view.setBigInt64(TYPE_OFFSET, TYPE);
  view.setBigInt64(VERSION_OFFSET, VERSION);
  return bytes;
}

/** True for what begins with the signature. */
export function isFlattened(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, FLATTENED_SIGNATURE.length)).toString('latin1') === FLATTENED_SIGNATURE;
}

/** @throws VmcoreError ERR_VMCORE_FORMAT when `head`, what a stream begins with, is none that is known. */
export function checkFlattenedHeader(head: Uint8Array, name: string): void {
  if (!isFlattened(head)) throw unsupported(name, 'is no flattened dump');
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const [type, version] = [view.getBigInt64(TYPE_OFFSET), view.getBigInt64(VERSION_OFFSET)];
  if (type === TYPE && version === VERSION) return;
  const what = `is a flattened dump of type ${type}, version ${version}: there is only 1, 1`;
  throw unsupported(name, what, TYPE_OFFSET);
}

/** Where a record's data belongs, in bytes. */
export interface FlattenedRecord {
  readonly offset: number;
  readonly size: number;
}

/**
 * The record whose head `view` begins with, at byte `at` of the stream; undefined for the end marker.
 * @throws VmcoreError ERR_VMCORE_CORRUPT.
 */
export function decodeRecordHead(view: DataView, name: string, at: number): FlattenedRecord | undefined {
  const [offset, size] = [view.getBigInt64(0), view.getBigInt64(8)];
  if (offset === -1n && size === -1n) return undefined;
  if (offset < 0n || size < 0n || offset + size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw damaged(name, `has a record of ${size} bytes for offset ${offset}`, at);
  }
  return { offset: Number(offset), size: Number(size) };
}

/** What precedes `size` bytes for byte `offset` of the file. */
export function encodeRecordHead(offset: number, size: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEAD_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(offset));
  view.setBigInt64(8, BigInt(size));
  return bytes;
}

/** What ends a complete stream. */
export function encodeEndMarker(): Uint8Array {
  return encodeRecordHead(-1, -1);
}
