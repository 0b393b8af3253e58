import type { ByteSource } from '../access/byte-source.ts';
import { type CoreSource, openSources, plainSource } from '../access/open-source.ts';
import { argumentError, isVmcoreError } from '../errors.ts';
import type { CoreFile } from '../formats/core-file.ts';
import { openCoreFile } from '../formats/detect.ts';
import { isElf } from '../formats/elf.ts';
import { bytesWithData } from '../formats/extents.ts';
import { openFlattened } from '../formats/flattened.ts';
import { FLATTENED_HEADER_SIZE, isFlattened } from '../formats/flattened-layout.ts';
import { readHead } from '../formats/head.ts';
import { isKdump } from '../formats/kdump-headers.ts';
import type { Progress } from '../pipeline/progress.ts';
import { isBegun, isBlank } from './beginning.ts';
import { verifyElf } from './elf.ts';
import { type DumpProblem, FileFindings } from './findings.ts';
import { verifyKdump } from './kdump.ts';
import { reportStructure } from './structure.ts';
import { type CheckedPages, Verification } from './verification.ts';
import { findWrittenEnd } from './written-end.ts';

/** How a dump is checked. */
export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called some times a second. What it throws ends the check. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What a dump is: all there and sound; not all there; or wrong in places, whether all is there or not. */
export type DumpState = 'complete' | 'incomplete' | 'damaged';

/** What was found out about a dump. */
export interface VerifyReport {
  readonly state: DumpState;
  readonly files: readonly string[];
  /** Undefined where not enough is there to tell. */
  readonly format: CoreFile['format'] | undefined;
  readonly flattened: boolean;
  /** Size of the files in bytes. */
  readonly bytes: number;
  /** Pages that the dump says it has, and those of them that share the page of zeros. */
  readonly pages: number;
  readonly zeroPages: number;
  /** Pages without data. */
  readonly lostPages: number;
  /** Pages with data that can't be right. */
  readonly damagedPages: number;
  /** The first 1000, in the order in which they were found. */
  readonly problems: readonly DumpProblem[];
  /** All of them. */
  readonly problemCount: number;
}

/** What came of the files once their format was known. */
interface Checked extends CheckedPages {
  readonly format: CoreFile['format'] | undefined;
}

const NOTHING: Checked = { format: undefined, total: 0, zero: 0 };

/**
 * Checks a dump of any format: one file, or the files of a split set. In kdump-compressed files every page is looked at
 * and decompressed; in the others what their headers say. Memory is bounded, whatever the dump claims.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_IO, ERR_VMCORE_FORMAT for what is no dump, ERR_VMCORE_ARGUMENT also
 *   for files that are no set, ERR_VMCORE_CODEC; the signal's reason.
 */
export async function verifyDump(
  source: CoreSource | readonly CoreSource[],
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  const list: readonly CoreSource[] = Array.isArray(source) ? source : [source as CoreSource];
  if (list.length === 0) throw argumentError('there is no file to check');
  const files = openSources(list.map(plainSource), undefined);
  try {
    const run = new Verification(signal, options.onProgress);
    return await verifyFiles(files, run);
  } finally {
    for (const file of files) file.close();
  }
}

async function verifyFiles(files: readonly ByteSource[], run: Verification): Promise<VerifyReport> {
  const sources: ByteSource[] = [];
  for (const file of files) {
    const plain = await beginning(file, run);
    if (plain) sources.push(plain);
  }
  const { format, total, zero } = await verifyPlain(sources, run);
  const { findings } = run;
  return {
    state: findings.state,
    files: files.map(({ name }) => name),
    format,
    flattened: files.some((file) => file.size > 0 && isFlattened(readHead(file))),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    pages: total,
    zeroPages: zero,
    lostPages: findings.lostPages,
    damagedPages: findings.damagedPages,
    problems: findings.problems,
    problemCount: findings.count,
  };
}

/** The file, or what a flattened one stands for; undefined where there is not enough of it to look at. */
async function beginning(file: ByteSource, run: Verification): Promise<ByteSource | undefined> {
  const findings = new FileFindings(run.findings, file, Number.POSITIVE_INFINITY);
  const head = readHead(file);
  if (isFlattened(head)) return unflattened(file, run);
  if (file.size === 0) findings.missing('it is empty');
  else if (isBlank(file)) findings.missing('it begins with zeros: its header was never written', 0);
  else if (isBegun(head)) findings.missing('it ends within its first bytes', 0);
  else return file;
  return undefined;
}

async function unflattened(
  file: ByteSource,
  { findings, turns, signal }: Verification,
): Promise<ByteSource | undefined> {
  const own = new FileFindings(findings, file, await findWrittenEnd(file, turns));
  try {
    return await openFlattened(file, { signal });
  } catch (error) {
    reportStructure(error, own, FLATTENED_HEADER_SIZE);
    if (!isVmcoreError(error, 'ERR_VMCORE_TRUNCATED') || file.size < FLATTENED_HEADER_SIZE) return undefined;
  }
  const there = await openFlattened(file, { signal, allowTruncated: true });
  return isBlank(there) ? undefined : there;
}

async function verifyPlain(sources: readonly ByteSource[], run: Verification): Promise<Checked> {
  const [first] = sources;
  if (!first) return NOTHING;
  if (sources.every((source) => isKdump(readHead(source)))) {
    return { format: 'kdump', ...(await verifyKdump(sources, run)) };
  }
  if (sources.length === 1 && isElf(readHead(first))) return verifyElf(first, run);
  return verifyOther(sources, run);
}

/** Formats of which nothing but the headers can be checked, which is done where they are opened. */
async function verifyOther(sources: readonly ByteSource[], run: Verification): Promise<Checked> {
  const { signal, findings, turns } = run;
  try {
    return describe(await openCoreFile(sources, { signal }));
  } catch (error) {
    const writtenEnd = await findWrittenEnd(sources[0]!, turns);
    reportStructure(error, new FileFindings(findings, sources[0]!, writtenEnd), 1);
    if (!isVmcoreError(error, 'ERR_VMCORE_TRUNCATED')) return NOTHING;
  }
  try {
    return describe(await openCoreFile(sources, { signal, allowTruncated: true }));
  } catch (error) {
    if (isVmcoreError(error)) return NOTHING;
    throw error;
  }
}

function describe({ format, extents }: CoreFile): Checked {
  return { format, total: Math.ceil(bytesWithData(extents) / PAGE_SIZE), zero: 0 };
}

/** Pages are counted in this size where the format does not say what it is. Bytes. */
const PAGE_SIZE = 4096;
