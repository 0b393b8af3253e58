import type { ByteSource } from '../access/byte-source.ts';
import type { Segment } from '../formats/core-file.ts';
import { type ElfFacts, readElfHeaders } from '../formats/elf.ts';
import { isMarkedIncomplete, MARK_BYTES } from '../formats/incomplete-mark.ts';
import { NOTES_LIMIT } from '../formats/notes.ts';
import { checkCopies } from './elf-copies.ts';
import { FileFindings } from './findings.ts';
import { checkNotePayload } from './notes.ts';
import { reportStructure } from './structure.ts';
import type { CheckedPages, Verification } from './verification.ts';
import { findWrittenEnd } from './written-end.ts';

/** Pages are counted in this size: an ELF core does not say what it is. Bytes. */
const PAGE_SIZE = 4096;
/** Bytes of an ELF header at most. */
const EHDR_BYTES = 64;

/** What the check of an ELF core found out. */
export interface CheckedElf extends CheckedPages {
  readonly format: 'elf64' | 'elf32' | undefined;
}

/**
 * Checks an ELF core: headers, notes, that all PT_LOADs have their data, and that memory that is in several of them is
 * the same in all. What the data should be nothing in the file tells.
 * @throws VmcoreError ERR_VMCORE_FORMAT for another kind of ELF file, ERR_VMCORE_IO; the signal's reason.
 */
export async function verifyElf(source: ByteSource, run: Verification): Promise<CheckedElf> {
  const findings = new FileFindings(run.findings, source, await findWrittenEnd(source, run.turns));
  if (isMarked(source)) findings.missing('it is marked incomplete');
  const facts = openHeaders(source, findings);
  if (!facts) return { format: undefined, total: 0, zero: 0 };
  checkTable(facts, findings);
  checkNotes(source, facts, findings);
  const there = facts.segments.filter((segment) => checkData(source, segment, findings));
  checkLayout(facts, findings);
  await checkCopies(source, there, findings, run);
  const bytes = facts.segments.reduce((sum, { fileSize }) => sum + fileSize, 0);
  const pages = Math.ceil(bytes / PAGE_SIZE);
  if (pages > 0) run.report({ pages, totalPages: pages, bytes });
  return { format: facts.ehdr.elf.format, total: pages, zero: 0 };
}

function isMarked(source: ByteSource): boolean {
  const head = new Uint8Array(Math.min(MARK_BYTES, source.size));
  source.read(0, head);
  return isMarkedIncomplete(head);
}

function openHeaders(source: ByteSource, findings: FileFindings): ElfFacts | undefined {
  try {
    return readElfHeaders(source);
  } catch (error) {
    reportStructure(error, findings, EHDR_BYTES);
    return undefined;
  }
}

function checkTable({ table, unwritten, others, segments }: ElfFacts, findings: FileFindings): void {
  if (unwritten > 0) findings.missing(`${unwritten} of its program headers were never written`, table.offset);
  else if (segments.length === 0) findings.damaged('it has no PT_LOAD, so no memory', table);
  if (others > 0) findings.damaged(`${others} of its program headers are neither PT_LOAD nor PT_NOTE`, table);
  const empty = segments.filter(({ memSize }) => memSize === 0).length;
  if (empty > 0) findings.damaged(`${empty} of its PT_LOADs have no memory`, table);
}

function checkNotes(source: ByteSource, { noteRanges, ehdr, table }: ElfFacts, findings: FileFindings): void {
  for (const { offset, size } of noteRanges) {
    if (size > NOTES_LIMIT) {
      findings.damaged(`it claims ${size} bytes of notes`, table);
      continue;
    }
    if (offset + size > source.size) {
      findings.missing('the file ends before the end of its notes', offset);
      continue;
    }
    const payload = new Uint8Array(size);
    source.read(offset, payload);
    checkNotePayload(payload, ehdr.littleEndian, offset, findings);
  }
}

/** Whether the file has all data of a segment. */
function checkData(
  source: ByteSource,
  { offset, fileSize, paddr }: Segment,
  findings: FileFindings,
): boolean {
  const lost = Math.min(fileSize, offset + fileSize - source.size);
  if (fileSize === 0 || lost <= 0) return true;
  const reason = `the file ends ${lost} bytes before the end of a PT_LOAD`;
  const pfn = paddr === undefined ? undefined : Math.floor((paddr + fileSize - lost) / PAGE_SIZE);
  findings.missingPages(reason, { pfn, pages: Math.ceil(lost / PAGE_SIZE), offset });
  return false;
}

/** Headers, notes and data lie in places of their own, but for segments that are the same memory. */
function checkLayout({ ehdr, table, noteRanges, segments }: ElfFacts, findings: FileFindings): void {
  const parts = [
    { what: 'the ELF header', offset: 0, size: ehdr.elf.ehdr.bytes, delta: undefined },
    { what: 'the program headers', ...table, delta: undefined },
    ...noteRanges.map((range) => ({ what: 'the notes', ...range, delta: undefined })),
    ...segments.map(({ offset, fileSize: size, paddr }) => ({
      what: 'a PT_LOAD',
      offset,
      size,
      delta: paddr === undefined ? undefined : paddr - offset,
    })),
  ].filter(({ size }) => size > 0);
  parts.sort((a, b) => a.offset - b.offset);
  let before = parts[0]!;
  for (const part of parts.slice(1)) {
    const overlap = before.offset + before.size - part.offset;
    const isSame = part.delta !== undefined && part.delta === before.delta;
    if (overlap > 0 && !isSame) {
      const reason = `${part.what} and ${before.what} both claim ${Math.min(overlap, part.size)} bytes of the file`;
      findings.damaged(reason, { offset: part.offset, size: Math.min(overlap, part.size) });
    }
    if (part.offset + part.size > before.offset + before.size) before = part;
  }
}
