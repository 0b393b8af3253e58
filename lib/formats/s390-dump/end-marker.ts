import { type ByteSource, requireRange } from '../../access/byte-source.ts';
import { VmcoreError } from '../../errors.ts';

/** DF_S390_EM_STR (s390-tools, include/dump/s390_dump.h), and the TOD clock behind it, a u64. */
const TEXT = 'DUMP_END';
const BYTES = 16;
const TOD = 8;

/**
 * Checks what stands where a dump that began at `tod` ends. A partition still has the marker of the dump before, which is
 * older than this one.
 * @throws VmcoreError ERR_VMCORE_TRUNCATED.
 */
export function requireEndMarker(source: ByteSource, offset: number, tod: bigint): void {
  const bytes = new Uint8Array(BYTES);
  requireRange(source, offset, BYTES);
  source.read(offset, bytes);
  if (Buffer.from(bytes.subarray(0, TOD)).toString('latin1') !== TEXT) {
    throw truncated(source, offset, 'has no end marker');
  }
  if (new DataView(bytes.buffer).getBigUint64(TOD) < tod) {
    throw truncated(source, offset, 'has the end marker of an earlier dump, older than its header');
  }
}

function truncated(source: ByteSource, offset: number, what: string): VmcoreError {
  const message = `${source.name}: ${what}: the dump did not come to its end; allowTruncated opens what is there`;
  return new VmcoreError('ERR_VMCORE_TRUNCATED', message, { file: source.name, offset });
}
