import type { ByteSource } from '../access/byte-source.ts';
import { MOST_COPIES, type Segment } from '../formats/core-file.ts';
import { findExtent, makeExtents } from '../formats/extents.ts';
import type { FileFindings } from './findings.ts';
import type { Verification } from './verification.ts';

/** Bytes that are compared at a time. */
const PIECE_BYTES = 1 << 20;

/** Memory that is in several PT_LOADs. */
interface Copy {
  readonly paddr: number;
  readonly size: number;
  /** File offsets. */
  readonly here: number;
  readonly there: number;
}

/** Compares memory that is in several PT_LOADs (x86_64 and s390x repeat the kernel's image): readers take any of them. */
export async function checkCopies(
  source: ByteSource,
  segments: readonly Segment[],
  findings: FileFindings,
  run: Verification,
): Promise<void> {
  const claimed = segments.reduce((sum, { fileSize }) => sum + fileSize, 0);
  if (claimed > MOST_COPIES * source.size) {
    const reason = `its PT_LOADs claim ${claimed} bytes of data, of a file of ${source.size}`;
    findings.damaged(reason, { offset: 0, size: 1 });
    return;
  }
  const [a, b] = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)];
  for (const { paddr, size, here, there } of copies(segments)) {
    for (let done = 0; done < size; done += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, size - done);
      source.read(here + done, a.subarray(0, length));
      source.read(there + done, b.subarray(0, length));
      if (run.turns.due) await run.turns.give();
      if (Buffer.compare(a.subarray(0, length), b.subarray(0, length)) === 0) continue;
      const reason = `memory from physical address ${paddr + done} on is here other than at offset ${there + done}`;
      findings.damaged(reason, { offset: here + done, size: length });
      break;
    }
  }
}

function* copies(segments: readonly Segment[]): Generator<Copy> {
  const ranges = segments.flatMap(({ paddr, fileSize, offset }) =>
    paddr === undefined || fileSize === 0 ? [] : [{ start: paddr, end: paddr + fileSize, offset }],
  );
  const { count, start, end, offset } = makeExtents(ranges);
  const extents = { count, start, end, offset };
  for (const range of ranges) {
    for (let i = findExtent(extents, range.start); i < count && start[i]! < range.end; i++) {
      const from = Math.max(start[i]!, range.start);
      const size = Math.min(end[i]!, range.end) - from;
      const here = range.offset + (from - range.start);
      const there = offset[i]! + (from - start[i]!);
      if (here !== there) yield { paddr: from, size, here, there };
    }
  }
}
