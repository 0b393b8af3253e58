/** One ELF note (gABI, Note Section). */
export interface Note {
  /** Owner, such as `CORE` or `VMCOREINFO`, without its NUL. */
  readonly name: string;
  readonly type: number;
  /** The descriptor's bytes. */
  readonly desc: Uint8Array;
  /** Where `desc` begins in the note segments' payload, in bytes. */
  readonly offset: number;
}

const NOTE_HEADER_BYTES = 12;
/** NT_PRSTATUS (include/uapi/linux/elf.h). */
const NT_PRSTATUS = 1;
/** Offset of pr_pid in struct elf_prstatus of 64-bit machines (include/linux/elfcore.h). */
export const PR_PID = 32;
/** The kernel keeps a core's notes below this: a few KiB a CPU, 1 MiB of device dumps. In bytes. */
export const NOTES_LIMIT = 256 << 20;
/** A core with a CPU's notes has a few; more than this many are not notes. */
const COUNT_LIMIT = 1 << 20;

/** A note as it stands in a payload, by byte positions. */
interface NoteRecord {
  readonly name: number;
  readonly nameSize: number;
  readonly type: number;
  /** The descriptor. */
  readonly offset: number;
  readonly descSize: number;
  /** Behind the note and its padding. */
  readonly end: number;
}

function* walkNotes(
  payload: Uint8Array,
  littleEndian: boolean,
  from: number,
  to: number,
): Generator<NoteRecord> {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  for (let at = from; at + NOTE_HEADER_BYTES <= to; ) {
    const nameSize = view.getUint32(at, littleEndian);
    const descSize = view.getUint32(at + 4, littleEndian);
    const type = view.getUint32(at + 8, littleEndian);
    const name = at + NOTE_HEADER_BYTES;
    const offset = name + align4(nameSize);
    const end = offset + align4(descSize);
    if (offset + descSize > to) return;
    yield { name, nameSize, type, offset, descSize, end };
    at = end;
  }
}

/** Behind the last byte of a payload that is part of a note: what follows should be zeros. */
export function notesEnd(payload: Uint8Array, littleEndian: boolean): number {
  let end = 0;
  for (const record of walkNotes(payload, littleEndian, 0, payload.length)) {
    if (record.nameSize > 0) end = Math.min(record.end, payload.length);
  }
  return end;
}

/**
 * All notes between bytes `from` and `to` of a payload. They end at the first record that does not fit: per-CPU buffers
 * that a dying CPU did not fill leave zeros behind.
 */
export function parseNotes(
  payload: Uint8Array,
  littleEndian: boolean,
  from = 0,
  to = payload.length,
): Note[] {
  const notes: Note[] = [];
  for (const { name, nameSize, type, offset, descSize } of walkNotes(payload, littleEndian, from, to)) {
    if (notes.length === COUNT_LIMIT) break;
    if (nameSize === 0) continue;
    const desc = payload.subarray(offset, offset + descSize);
    notes.push({ name: ownerName(payload, name, nameSize), type, desc, offset });
  }
  return notes;
}

/** One note as it stands in a payload, padding included. */
export function encodeNote(name: string, type: number, desc: Uint8Array, littleEndian: boolean): Uint8Array {
  const offset = NOTE_HEADER_BYTES + align4(name.length + 1);
  const bytes = new Uint8Array(offset + align4(desc.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, name.length + 1, littleEndian);
  view.setUint32(4, desc.length, littleEndian);
  view.setUint32(8, type, littleEndian);
  bytes.set(Buffer.from(name, 'latin1'), NOTE_HEADER_BYTES);
  bytes.set(desc, offset);
  return bytes;
}

/** The VMCOREINFO note: its owner is exactly that, since VMCOREINFO_XEN is another. */
export function findVmcoreinfo(notes: readonly Note[]): Note | undefined {
  return notes.find((note) => note.name === 'VMCOREINFO' && note.type === 0);
}

/** The notes that tell what was erased from the core, as makedumpfile's lines of text. */
export function eraseinfoNotes(notes: readonly Note[]): Note[] {
  return notes.filter((note) => note.name === 'ERASEINFO');
}

/** A payload without some of its notes. */
export function omitNotes(payload: Uint8Array, omitted: readonly Note[]): Uint8Array {
  const kept: Uint8Array[] = [];
  let from = 0;
  for (const { name, desc, offset } of [...omitted].sort((a, b) => a.offset - b.offset)) {
    kept.push(payload.subarray(from, offset - align4(name.length + 1) - NOTE_HEADER_BYTES));
    from = offset + align4(desc.length);
  }
  return Buffer.concat([...kept, payload.subarray(from)]);
}

/** The NT_PRSTATUS notes: one for each CPU that left its registers. */
export function prstatusNotes(notes: readonly Note[]): Note[] {
  return notes.filter(isPrstatus);
}

export function isPrstatus({ name, type }: Note): boolean {
  return name === 'CORE' && type === NT_PRSTATUS;
}

function ownerName(payload: Uint8Array, start: number, size: number): string {
  const bytes = payload.subarray(start, start + size);
  const nul = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, Math.min(nul < 0 ? size : nul, 64)));
}

/** Names and descriptors are padded to 4 bytes, for ELF64 too (binutils, the kernel and makedumpfile agree). */
export function align4(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** Payloads one after another: each begins aligned, as it did in its own segment. */
export function joinNotes(...payloads: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(payloads.reduce((end, { length }) => align4(end) + length, 0));
  let end = 0;
  for (const payload of payloads) {
    bytes.set(payload, align4(end));
    end = align4(end) + payload.length;
  }
  return bytes;
}
