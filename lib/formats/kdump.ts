import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { argumentError, VmcoreError } from '../errors.ts';
import { Turns } from '../turns.ts';
import type { CoreFile, OpenCoreOptions } from './core-file.ts';
import { extentsOf, readBitmaps } from './kdump-bitmaps.ts';
import { descriptorsStart, type KdumpFacts, readKdumpHeaders } from './kdump-headers.ts';
import { DESCRIPTOR_SIZE, type FileRange, STATUS_INCOMPLETE, UTSNAME_STRING } from './kdump-layout.ts';
import { type KdumpMember, KdumpSource } from './kdump-source.ts';
import { machineOf } from './machine.ts';
import { encodeNote, findVmcoreinfo, NOTES_LIMIT, parseNotes } from './notes.ts';
import { PageRank } from './page-rank.ts';

/** Which string of struct new_utsname is the machine (include/uapi/linux/utsname.h). */
const UTSNAME_MACHINE = 4;

/** A kdump-compressed file, and what its headers say. */
export interface OpenedMember {
  readonly source: ByteSource;
  readonly facts: KdumpFacts;
}

/**
 * A dump in kdump-compressed format, versions 0 to 6: one file, or all members of a split set in any order.
 * @throws VmcoreError ERR_VMCORE_TRUNCATED (also where a member is missing), ERR_VMCORE_CORRUPT, ERR_VMCORE_ARGUMENT;
 *   the signal's reason.
 */
export async function openKdump(sources: readonly ByteSource[], options: OpenCoreOptions): Promise<CoreFile> {
  const opened = sources.map((source) => ({ source, facts: readKdumpHeaders(source) }));
  const { source, facts } = opened[0]!;
  const turns = new Turns(options.signal);
  const bitmaps = await readBitmaps(source, facts, turns);
  const members = orderMembers(opened);
  const pages = await PageRank.of(bitmaps.bitmap2, turns);
  const { blockSize, littleEndian, maxMapnr } = facts;
  const descriptorsOffset = descriptorsStart(facts);
  const memory = new KdumpSource({
    members,
    pages,
    maxPfn: maxMapnr,
    blockSize,
    littleEndian,
    descriptorsOffset,
    dataOffset: descriptorsOffset + pages.total * DESCRIPTOR_SIZE,
    access: options.access ?? 'auto',
    sparing: options.sparing,
    missingAsZeros: options.excluded === 'zeros',
  });
  const size = sources.reduce((sum, member) => sum + member.size, 0);
  const extents = await extentsOf(bitmaps, blockSize, { name: source.name, size }, turns);
  const notePayload = readNotes(source, facts);
  const notes = parseNotes(notePayload, littleEndian);
  const { utsname, nrCpus, dumpLevel, crashTime, physBase } = facts;
  const vmcoreinfo = Buffer.from(findVmcoreinfo(notes)?.desc ?? []).toString('latin1');
  return {
    format: 'kdump',
    machine: machineOf({ uname: unameMachine(utsname), vmcoreinfo, notes, littleEndian }),
    littleEndian,
    incomplete: opened.some((member) => (member.facts.status & STATUS_INCOMPLETE) !== 0),
    segments: [],
    source: memory,
    extents,
    notePayload,
    notes,
    header: {
      pageSize: blockSize,
      maxPfn: maxMapnr,
      dumpLevel,
      nrCpus,
      crashTime,
      utsname,
      physBase: Number(physBase),
      eraseinfo: readEraseinfo(opened, members),
    },
  };
}

/**
 * The members by their pfns, which have to follow one another from 0 to the end. Of a small core, makedumpfile writes
 * members without any.
 * @throws VmcoreError ERR_VMCORE_TRUNCATED where one is missing, ERR_VMCORE_ARGUMENT for files that are no set.
 */
export function orderMembers(opened: readonly OpenedMember[]): KdumpMember[] {
  const { source, facts } = opened[0]!;
  const whole = opened.find((member) => !member.facts.split);
  if (whole && opened.length === 1) return [{ source, startPfn: 0, endPfn: facts.maxMapnr }];
  if (whole) throw refuse(whole.source, 'is a whole dump, and no member of a split set');
  for (const other of opened) requireSameDump(opened[0]!, other);
  const members = opened
    .map((member) => ({ source: member.source, ...member.facts.split! }))
    .sort((a, b) => a.startPfn - b.startPfn || a.endPfn - b.endPfn);
  let next = 0;
  for (const { source, startPfn, endPfn } of members) {
    if (startPfn > next) throw missing(opened, next, startPfn);
    if (startPfn < next || endPfn < startPfn || endPfn > facts.maxMapnr) {
      const what = `has the pfns from ${startPfn} on, below ${endPfn}`;
      throw refuse(source, `${what}, which another member has too or no page is at`);
    }
    next = endPfn;
  }
  if (next < facts.maxMapnr) throw missing(opened, next, facts.maxMapnr);
  return members;
}

function requireSameDump(first: OpenedMember, other: OpenedMember): void {
  const identity = ({ facts }: OpenedMember) =>
    JSON.stringify([
      facts.littleEndian,
      facts.is64Bit,
      facts.blockSize,
      facts.subHeaderBlocks,
      facts.bitmapBlocks,
      facts.maxMapnr,
      facts.crashTime,
      Buffer.from(facts.utsname).toString('latin1'),
    ]);
  if (identity(first) === identity(other)) return;
  throw refuse(other.source, `is a member of another split set than ${first.source.name}`);
}

function missing(opened: readonly OpenedMember[], startPfn: number, endPfn: number): VmcoreError {
  const names = opened.map(({ source }) => source.name).join(', ');
  return new VmcoreError(
    'ERR_VMCORE_TRUNCATED',
    `${names}: a member of the split set is missing, the one with pfns from ${startPfn} on, below ${endPfn}`,
    { file: opened[0]!.source.name },
  );
}

/** What was erased, in the order of the pages that the members have. @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT. */
export function readEraseinfo(opened: readonly OpenedMember[], members: readonly KdumpMember[]): Uint8Array {
  const texts = members.map(({ source }) => {
    const { eraseinfo } = opened.find((member) => member.source === source)!.facts;
    return eraseinfo.size > 0 ? readRange(source, eraseinfo) : new Uint8Array(0);
  });
  return Buffer.concat(texts);
}

/** The notes; version 3 has only VMCOREINFO, which becomes one. @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT. */
export function readNotes(source: ByteSource, { notes, vmcoreinfo, littleEndian }: KdumpFacts): Uint8Array {
  if (notes.size > 0) return readRange(source, notes);
  if (vmcoreinfo.size === 0) return new Uint8Array(0);
  return encodeNote('VMCOREINFO', 0, readRange(source, vmcoreinfo), littleEndian);
}

/** @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT when there are too many bytes. */
export function readRange(source: ByteSource, { offset, size }: FileRange): Uint8Array {
  if (size > NOTES_LIMIT) {
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `${source.name}: claims ${size} bytes of notes`, {
      file: source.name,
      offset,
    });
  }
  requireRange(source, offset, size);
  const bytes = new Uint8Array(size);
  source.read(offset, bytes);
  return bytes;
}

function unameMachine(utsname: Uint8Array): string {
  const start = UTSNAME_MACHINE * UTSNAME_STRING;
  return Buffer.from(utsname.subarray(start, start + UTSNAME_STRING))
    .toString('latin1')
    .split('\0', 1)[0]!;
}

function refuse(source: ByteSource, what: string): VmcoreError {
  return argumentError(`${source.name} ${what}`, source.name);
}
