import type { ByteSource } from '../access/byte-source.ts';
import { isVmcoreError } from '../errors.ts';
import { PageBitmap } from '../filter/bitmap.ts';
import { type OpenedMember, orderMembers } from '../formats/kdump.ts';
import {
  bitmap2Offset,
  describeContradiction,
  findContradiction,
  type KdumpBitmaps,
  readBothBitmaps,
} from '../formats/kdump-bitmaps.ts';
import { bitmapStart, type KdumpFacts, readKdumpHeaders } from '../formats/kdump-headers.ts';
import { HEADER_SIZE, STATUS_INCOMPLETE } from '../formats/kdump-layout.ts';
import type { KdumpMember } from '../formats/kdump-source.ts';
import type { Work } from '../pipeline/progress.ts';
import type { Turns } from '../turns.ts';
import { FileFindings, type Findings } from './findings.ts';
import { checkKdumpHeaders, hasSubHeader } from './kdump-headers.ts';
import { KdumpPages } from './kdump-pages.ts';
import { reportStructure } from './structure.ts';
import type { CheckedPages, Verification } from './verification.ts';
import { findWrittenEnd } from './written-end.ts';

/** A file of a dump, as far as it could be understood. */
interface CheckedMember extends OpenedMember {
  readonly findings: FileFindings;
  /** Undefined where they could not be read. */
  readonly bitmaps: KdumpBitmaps | undefined;
}

/**
 * Checks a kdump-compressed dump, or all files of a split set: headers, notes, bitmaps, page descriptors, pages.
 * @throws VmcoreError ERR_VMCORE_ARGUMENT for files that are no set, ERR_VMCORE_CODEC, ERR_VMCORE_IO; the signal's reason.
 */
export async function verifyKdump(sources: readonly ByteSource[], run: Verification): Promise<CheckedPages> {
  const members: CheckedMember[] = [];
  for (const source of sources) {
    const member = await openMember(source, run);
    if (member) members.push(member);
  }
  if (members.length === sources.length) checkSet(members, run.findings);
  const pages = members.flatMap(pagesOf);
  const totalPages = pages.reduce((sum, { checker }) => sum + checker.total, 0);
  let before = 0;
  for (const { member, checker } of pages) {
    const work = () => workOf(member.facts, before + checker.done, totalPages);
    for (const _ of checker.check()) if (run.turns.due) await run.pause(work());
    if (checker.done === checker.total) checkEnd(member, checker);
    before += checker.total;
    run.report(workOf(member.facts, before, totalPages));
  }
  return { total: totalPages, zero: pages.reduce((sum, { checker }) => sum + checker.zero, 0) };
}

async function openMember(
  source: ByteSource,
  { findings, turns }: Verification,
): Promise<CheckedMember | undefined> {
  const own = new FileFindings(findings, source, await findWrittenEnd(source, turns));
  try {
    const facts = readKdumpHeaders(source);
    if (facts.status & STATUS_INCOMPLETE) own.missing('it is marked incomplete');
    if (!hasSubHeader(source, facts)) {
      own.missing('its sub header was never written', facts.blockSize);
      return undefined;
    }
    checkKdumpHeaders(source, facts, own);
    return { source, facts, findings: own, bitmaps: await checkBitmaps(source, facts, own, turns) };
  } catch (error) {
    reportStructure(error, own, HEADER_SIZE);
    return undefined;
  }
}

async function checkBitmaps(
  source: ByteSource,
  facts: KdumpFacts,
  findings: FileFindings,
  turns: Turns,
): Promise<KdumpBitmaps | undefined> {
  try {
    const bitmaps = readBothBitmaps(source, facts);
    const wrong = await findContradiction(bitmaps, turns);
    if (wrong >= 0) reportContradiction(bitmaps, wrong, facts, findings);
    return bitmaps;
  } catch (error) {
    reportStructure(error, findings, 1);
    return undefined;
  }
}

/** A block of bitmap 1 that is all zeros was never written. */
function reportContradiction(
  { bitmap1 }: KdumpBitmaps,
  wrong: number,
  facts: KdumpFacts,
  findings: FileFindings,
): void {
  const start = wrong - (wrong % facts.blockSize);
  const block = bitmap1.subarray(start, start + facts.blockSize);
  if (block.every((byte) => byte === 0)) {
    findings.missing('a block of bitmap 1 was never written', bitmapStart(facts) + start);
  } else {
    findings.damaged(describeContradiction(wrong), { offset: bitmap2Offset(facts) + wrong, size: 1 });
  }
}

/** Whether the files are all of a set, and have the same bitmaps. */
function checkSet(members: readonly CheckedMember[], findings: Findings): void {
  const [first, ...others] = members;
  try {
    orderMembers(members);
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_TRUNCATED')) first!.findings.missing(error.message);
    // Where headers are damaged, that is why they do not fit.
    else if (findings.state !== 'damaged') throw error;
  }
  for (const { bitmaps, findings: own, facts } of others) {
    if (!bitmaps || !first!.bitmaps || isSame(bitmaps, first!.bitmaps)) continue;
    own.damaged('its bitmaps are others than those of the first file', {
      offset: bitmap2Offset(facts),
      size: 1,
    });
  }
}

function isSame(a: KdumpBitmaps, b: KdumpBitmaps): boolean {
  return Buffer.compare(a.bitmap1, b.bitmap1) === 0 && Buffer.compare(a.bitmap2, b.bitmap2) === 0;
}

function pagesOf(member: CheckedMember): { member: CheckedMember; checker: KdumpPages }[] {
  const { source, facts, bitmaps, findings } = member;
  if (!bitmaps) return [];
  const { startPfn, endPfn } = facts.split ?? { startPfn: 0, endPfn: facts.maxMapnr };
  const range: KdumpMember = { source, startPfn, endPfn };
  const bitmap2 = new PageBitmap(facts.maxMapnr, bitmaps.bitmap2);
  return [{ member, checker: new KdumpPages({ member: range, facts, bitmap2, findings }) }];
}

function workOf({ blockSize }: KdumpFacts, pages: number, totalPages: number): Work {
  return { pages, totalPages, bytes: pages * blockSize };
}

/** What lies behind the pages: ERASEINFO, and nothing else. */
function checkEnd(
  { source, facts, findings }: CheckedMember,
  { storedEnd, total, isPlaced }: KdumpPages,
): void {
  const { offset, size } = facts.eraseinfo;
  const end = size > 0 ? offset + size : storedEnd;
  if (size > 0 && offset < storedEnd) {
    findings.damaged(`its ERASEINFO lies at ${offset}, where pages are`, { offset, size });
  } else if (end > source.size) {
    findings.missing('the file ends before its ERASEINFO', offset);
  }
  const isIncomplete = !isPlaced || (facts.status & STATUS_INCOMPLETE) !== 0;
  if (end >= source.size || isIncomplete) return;
  const behind = { offset: end, size: 1 };
  if (total === 0) findings.missing(`it has no page, and ${source.size - end} bytes of something`, end);
  // Zeros may fill up a block of a device.
  else if (!findings.isUnwritten(behind)) {
    findings.damaged(`${source.size - end} bytes behind its last page belong to nothing`, behind);
  }
}
