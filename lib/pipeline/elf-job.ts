import type { PageBitmap } from '../filter/bitmap.ts';
import { type Classification, onlyPiece } from '../filter/classify.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import type { PageJudge } from '../filter/page-judge.ts';
import { encodeNote, eraseinfoNotes, joinNotes, omitNotes, parseNotes } from '../formats/notes.ts';
import { ElfWriter } from '../output/elf.ts';
import { planElf } from '../output/elf-plan.ts';
import type { Sink } from '../output/sink.ts';
import type { CopyWorkers } from './copy-workers.ts';
import { coreSegments } from './core-segments.ts';
import type { CoreDescription } from './dump-context.ts';
import type { CopyConditions, DumpJob, DumpRun } from './dump-run.ts';
import { heldPages } from './kept-pages.ts';
import { ZeroScan } from './zero-scan.ts';

/** How an ELF core is written, once it is known which pages have only zeros. */
export interface ElfJob extends DumpJob {
  readonly writer: ElfWriter;
  /** Pages of zeros that are left out. */
  readonly zero: number;
}

/** What is known of a core before its program headers are planned. */
interface JudgedCore {
  readonly core: CoreDescription;
  readonly classification: Classification;
  readonly judge: PageJudge;
}

/** Where an ELF core goes, and who reads its pages. */
interface ElfOutput {
  readonly sink: Sink;
  readonly workers: CopyWorkers | undefined;
}

/** Plans the program headers of an ELF core; with bit 0 of the level that takes a pass over all pages that are kept. */
export async function elfJob(
  run: DumpRun,
  pageSize: number,
  { core, classification, judge }: JudgedCore,
  conditions: CopyConditions,
  { sink, workers }: ElfOutput,
): Promise<ElfJob> {
  const { headers, elf, incomplete } = core;
  const { existing, level, kept } = classification;
  const others =
    level & LEVEL_ZERO ? await withoutZeros(run, classification, conditions, workers) : classification.bitmap;
  const segments = elf.segments.length > 0 ? elf.segments : coreSegments(existing, pageSize, elf);
  const { signal } = conditions;
  const never = await neverWritten(judge, classification, signal);
  const plan = await planElf(segments, { pageSize, kept: others, never }, signal);
  return {
    writer: new ElfWriter({ ...headers, ...elf, incomplete, notes: notesOf(headers), plan }, sink),
    kept: heldPages(plan.pages),
    // Zeros in short runs are written as they are.
    shareZeroPages: false,
    compression: undefined,
    workers,
    zero: kept - others.count(),
  };
}

async function withoutZeros(
  run: DumpRun,
  classification: Classification,
  conditions: CopyConditions,
  workers: CopyWorkers | undefined,
): Promise<PageBitmap> {
  const scan = new ZeroScan(classification.bitmap);
  const kept = heldPages(classification.bitmap);
  const job = { writer: scan, kept, shareZeroPages: true, compression: undefined, workers };
  await run.copy('zeros', [job], conditions);
  return scan.others;
}

/**
 * Poisoned and offline pages, since to read one can stop the machine: level 0 leaves out these, and what has no data. And
 * what the user dropped.
 */
async function neverWritten(
  judge: PageJudge,
  { existing, level, counts, absent, dropped }: Classification,
  signal: AbortSignal,
): Promise<PageBitmap | undefined> {
  // A higher level counts a poisoned page as what it was, such as user data.
  if ((level & ~LEVEL_ZERO) === 0 && counts.hwpoison + counts.offline + absent === 0) return dropped;
  signal.throwIfAborted();
  const never = existing.copy();
  const { bitmap } = await onlyPiece(judge.pieces(0, { signal }, Number.POSITIVE_INFINITY));
  for (let i = 0; i < never.bytes.length; i++) {
    never.bytes[i] = (never.bytes[i]! & ~bitmap.bytes[i]!) | (dropped?.bytes[i] ?? 0);
  }
  return never;
}

/** The notes, and all that was erased as one of them. */
function notesOf({ notes, eraseinfo, littleEndian }: CoreDescription['headers']): Uint8Array {
  if (!eraseinfo || eraseinfo.length === 0) return notes;
  const others = omitNotes(notes, eraseinfoNotes(parseNotes(notes, littleEndian)));
  return joinNotes(others, encodeNote('ERASEINFO', 0, eraseinfo, littleEndian));
}
