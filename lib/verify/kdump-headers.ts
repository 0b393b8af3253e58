import type { ByteSource } from '../access/byte-source.ts';
import { PAGE_COMPRESSION } from '../codecs/codec.ts';
import { hex } from '../errors.ts';
import { readNotes } from '../formats/kdump.ts';
import { bitmapStart, type KdumpFacts } from '../formats/kdump-headers.ts';
import {
  type FileRange,
  HEADER_SIZE,
  STATUS_EXCLUDED_VMEMMAP,
  STATUS_INCOMPLETE,
  SUB_HEADER_SIZE,
} from '../formats/kdump-layout.ts';
import { findVmcoreinfo, parseNotes } from '../formats/notes.ts';
import type { FileFindings, Place } from './findings.ts';
import { checkNotePayload } from './notes.ts';

const KNOWN_STATUS = Object.values(PAGE_COMPRESSION).reduce(
  (bits: number, bit) => bits | bit,
  STATUS_INCOMPLETE | STATUS_EXCLUDED_VMEMMAP,
);

/** Whether the sub header is all zeros: since version 3 it says where something lies. */
export function hasSubHeader(source: ByteSource, { version, blockSize }: KdumpFacts): boolean {
  const bytes = new Uint8Array(SUB_HEADER_SIZE);
  source.read(blockSize, bytes);
  return version < 3 || bytes.some((byte) => byte !== 0);
}

/** Holds what the headers of a kdump-compressed file say against each other, and against the notes. */
export function checkKdumpHeaders(source: ByteSource, facts: KdumpFacts, findings: FileFindings): void {
  const { maxMapnr, maxMapnr32, bitmapBlocks, blockSize, status, split } = facts;
  const header: Place = { offset: 0, size: HEADER_SIZE };
  const headers: Place = { offset: 0, size: blockSize + SUB_HEADER_SIZE };
  const subHeader: Place = { offset: blockSize, size: SUB_HEADER_SIZE };
  if (maxMapnr32 !== Math.min(maxMapnr, 0xffffffff)) {
    findings.damaged(
      `its headers contradict each other: ${maxMapnr32} and ${maxMapnr} page frames`,
      subHeader,
    );
  }
  const perBitmap = Math.ceil(Math.ceil(maxMapnr / 8) / blockSize);
  if (bitmapBlocks !== perBitmap && bitmapBlocks !== 2 * perBitmap) {
    findings.damaged(`it has ${bitmapBlocks} blocks of bitmaps for ${maxMapnr} page frames`, headers);
  }
  if ((status & ~KNOWN_STATUS) !== 0) findings.damaged(`its status has unknown bits: ${hex(status)}`, header);
  if (split && (split.startPfn > split.endPfn || split.endPfn > maxMapnr)) {
    const what = `it claims the page frames from ${split.startPfn} to ${split.endPfn}, of ${maxMapnr}`;
    findings.damaged(what, subHeader);
  }
  if (
    checkInHeaders(facts, 'VMCOREINFO', facts.vmcoreinfo, findings) &&
    checkInHeaders(facts, 'the notes', facts.notes, findings)
  ) {
    checkNotes(source, facts, findings);
  }
}

/** Notes lie in the blocks of the sub header. */
function checkInHeaders(
  facts: KdumpFacts,
  what: string,
  { offset, size }: FileRange,
  findings: FileFindings,
): boolean {
  if (size === 0 || (offset >= facts.blockSize && offset + size <= bitmapStart(facts))) return true;
  const reason = `${what} should lie before the bitmaps, and not at ${offset} (${size} bytes)`;
  findings.damaged(reason, { offset: facts.blockSize, size: SUB_HEADER_SIZE });
  return false;
}

function checkNotes(source: ByteSource, facts: KdumpFacts, findings: FileFindings): void {
  const { notes, vmcoreinfo, littleEndian } = facts;
  const end = Math.max(notes.offset + notes.size, vmcoreinfo.offset + vmcoreinfo.size);
  if (end > source.size) {
    findings.missing('the file ends before the end of its notes', end);
    return;
  }
  if (notes.size === 0) return;
  const payload = readNotes(source, facts);
  checkNotePayload(payload, littleEndian, notes.offset, findings);
  if (vmcoreinfo.size === 0) return;
  const note = findVmcoreinfo(parseNotes(payload, littleEndian));
  const isNote =
    note && notes.offset + note.offset === vmcoreinfo.offset && note.desc.length === vmcoreinfo.size;
  const isOutside =
    vmcoreinfo.offset + vmcoreinfo.size <= notes.offset || vmcoreinfo.offset >= notes.offset + notes.size;
  if (!isNote && !isOutside) {
    findings.damaged('the headers have VMCOREINFO at another place than the notes', vmcoreinfo);
  }
}
