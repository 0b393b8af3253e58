import type { ByteSource } from '../access/byte-source.ts';
import type { Turns } from '../turns.ts';

const CHUNK_BYTES = 1 << 20;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/**
 * Behind the last byte of a file that is not zero: after a power cut, blocks that were never written read as zeros.
 * @throws VmcoreError ERR_VMCORE_IO; the signal's reason.
 */
export async function findWrittenEnd(source: ByteSource, turns: Turns): Promise<number> {
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, source.size));
  for (let end = source.size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const bytes = chunk.subarray(0, end - start);
    source.read(start, bytes);
    if (ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) !== 0) {
      let last = bytes.length - 1;
      while (bytes[last] === 0) last--;
      return start + last + 1;
    }
    end = start;
    if (turns.due) await turns.give();
  }
  return 0;
}
