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
export const FLATTENED_SIGNATURE = 'makedumpfile';
export const FLATTENED_TYPE = 1n;
export const FLATTENED_VERSION = 1n;
/** Bytes. */
export const FLATTENED_HEADER_SIZE = 4096;
/** Bytes of what comes before each record's data. */
export const RECORD_HEAD_SIZE = 16;

/** What begins a stream. */
export function encodeFlattenedHeader(): Uint8Array {
  const bytes = new Uint8Array(FLATTENED_HEADER_SIZE);
  for (let i = 0; i < FLATTENED_SIGNATURE.length; i++) bytes[i] = FLATTENED_SIGNATURE.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(16, FLATTENED_TYPE);
  view.setBigInt64(24, FLATTENED_VERSION);
  return bytes;
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
