import { setImmediate as nextTurn } from 'node:timers/promises';
import { isLostData } from '../errors.ts';
import { bytesWithData } from '../formats/extents.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { Vmcoreinfo } from './vmcoreinfo.ts';

/** A text in memory that is VMCOREINFO, or looks like it. */
export interface VmcoreinfoCandidate {
  /** Physical address of its first byte. */
  readonly paddr: number;
  readonly text: string;
  /** The release of the kernel that wrote it. */
  readonly osrelease: string;
  /** How many lines it has. */
  readonly lines: number;
  /** Whether it is the note of a kernel that crashed: only that has CRASHTIME (crash_save_vmcoreinfo). */
  readonly hasCrashTime: boolean;
}

/** How the search is watched and ended. */
export interface VmcoreinfoScanOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called between pieces, with pages searched and pages in all. */
  readonly onProgress?: ((progress: { pages: number; totalPages: number }) => void) | undefined;
}

/** The first line (kernel/vmcore_info.c). */
const FIRST_LINE = 'OSRELEASE=';
/** vmcoreinfo_data is a page, of 4 KiB or more (include/linux/vmcore_info.h VMCOREINFO_BYTES). In bytes. */
const TEXT_BYTES = 16384;
/** Memory is searched in pieces; what begins in one may end behind it. */
const PIECE_BYTES = 1 << 20;
const PAGE_BYTES = 4096;
/** Real texts have a hundred lines; a dozen are in any of them. */
const FEWEST_LINES = 12;
/** More texts than this are somebody's files, not a kernel's. */
const CANDIDATES_LIMIT = 1000;

/**
 * All texts in memory that parse as VMCOREINFO: of a kernel that crashed first, then those with the most lines. A page
 * that can't be read is passed over.
 * @throws the signal's reason.
 */
export async function scanVmcoreinfo(
  memory: PhysicalMemory,
  { signal, onProgress }: VmcoreinfoScanOptions,
): Promise<VmcoreinfoCandidate[]> {
  const { count, start, end, offset } = memory.extents;
  const candidates: VmcoreinfoCandidate[] = [];
  const piece = Buffer.alloc(PIECE_BYTES + FIRST_LINE.length);
  const totalPages = bytesWithData(memory.extents) / PAGE_BYTES;
  let pages = 0;
  for (let i = 0; i < count; i++) {
    if (offset[i]! < 0) continue;
    for (let at = start[i]!; at < end[i]!; at += PIECE_BYTES) {
      const bytes = piece.subarray(0, Math.min(piece.length, end[i]! - at));
      readWhatIsThere(memory, at, bytes);
      findTexts(memory, at, bytes, candidates);
      pages += Math.min(PIECE_BYTES, end[i]! - at) / PAGE_BYTES;
      await nextTurn();
      signal?.throwIfAborted();
      onProgress?.({ pages, totalPages });
    }
  }
  return candidates.sort((a, b) => Number(b.hasCrashTime) - Number(a.hasCrashTime) || b.lines - a.lines);
}

function findTexts(
  memory: PhysicalMemory,
  start: number,
  bytes: Buffer,
  candidates: VmcoreinfoCandidate[],
): void {
  for (let at = bytes.indexOf(FIRST_LINE); at >= 0; at = bytes.indexOf(FIRST_LINE, at + 1)) {
    const found = candidateAt(memory, start + at);
    const isKnown = candidates.some(({ paddr }) => paddr === found?.paddr);
    if (found && !isKnown && candidates.length < CANDIDATES_LIMIT) candidates.push(found);
  }
}

function candidateAt(memory: PhysicalMemory, paddr: number): VmcoreinfoCandidate | undefined {
  const length = Math.min(TEXT_BYTES, memory.contiguous(paddr));
  const bytes = readWhatIsThere(memory, paddr, Buffer.alloc(length));
  const nul = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, nul < 0 ? bytes.length : nul);
  const lines = text.split('\n').filter((line) => /^[\x20-\x7e]+=[\x20-\x7e]*$/.test(line)).length;
  if (lines < FEWEST_LINES) return undefined;
  try {
    const { osrelease, crashTime } = new Vmcoreinfo(text);
    return { paddr, text, osrelease, lines, hasCrashTime: crashTime !== undefined };
  } catch {
    return undefined;
  }
}

/** A page that can't be read is zeros here: it has no text. */
function readWhatIsThere(memory: PhysicalMemory, paddr: number, into: Buffer): Buffer {
  try {
    memory.read(paddr, into);
  } catch (error) {
    if (!isLostData(error)) throw error;
    into.fill(0);
    if (into.length <= PAGE_BYTES) return into;
    for (let at = 0; at < into.length; at += PAGE_BYTES) {
      readWhatIsThere(memory, paddr + at, into.subarray(at, at + PAGE_BYTES));
    }
  }
  return into;
}
