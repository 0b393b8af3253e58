import type { ByteSource } from '../access/byte-source.ts';
import { isVmcoreError } from '../errors.ts';
import type { CoreFile } from './core-file.ts';
import { type Extents, findExtent } from './extents.ts';
import { EM_S390 } from './machine.ts';
import { findVmcoreinfo, parseNotes } from './notes.ts';

/** lowcore.vmcore_info: the physical address of the VMCOREINFO note (arch/s390/include/asm/lowcore.h). */
const VMCORE_INFO = 0xe0c;
const POINTER_BYTES = 8;
/** VMCOREINFO_NOTE_SIZE is two or three pages (include/linux/vmcore_info.h). In bytes. */
const NOTE_BYTES = 16384;

/**
 * The core with the VMCOREINFO note that its kernel's lowcore points to, where it is an s390x core without one: those
 * that QEMU, hypervisors and stand-alone dumpers write. The note comes last, as it does in /proc/vmcore.
 */
export function addLowcoreNote(core: CoreFile): CoreFile {
  const { machine, littleEndian, notes, notePayload } = core;
  if (machine !== EM_S390 || littleEndian || findVmcoreinfo(notes)) return core;
  const note = readVmcoreinfoNote(core);
  if (!note) return core;
  // Zeros behind the last note must not come between it and this one.
  const end = notes.reduce((sum, { offset, desc }) => Math.max(sum, align4(offset + desc.length)), 0);
  const payload = new Uint8Array(end + note.length);
  payload.set(notePayload.subarray(0, end));
  payload.set(note, end);
  return { ...core, notePayload: payload, notes: [...notes, ...parseNotes(payload, false, end)] };
}

/** Undefined where the lowcore points to none, or either is not in the core. */
function readVmcoreinfoNote({ source, extents }: CoreFile): Uint8Array | undefined {
  const pointer = readPhysical(source, extents, VMCORE_INFO, POINTER_BYTES);
  if (pointer?.length !== POINTER_BYTES) return undefined;
  // Until the kernel is up, it keeps its KASLR offset there, with bit 0 set (arch/s390/boot/startup.c).
  const address = Number(new DataView(pointer.buffer).getBigUint64(0));
  if (address === 0 || address % 4 !== 0) return undefined;
  const bytes = readPhysical(source, extents, address, NOTE_BYTES);
  const note = bytes && findVmcoreinfo(parseNotes(bytes, false).slice(0, 1));
  return note && bytes.subarray(0, align4(note.offset + note.desc.length));
}

/** At most `length` bytes that lie together at a physical address; undefined where the core has none there. */
function readPhysical(
  source: ByteSource,
  extents: Extents,
  paddr: number,
  length: number,
): Uint8Array | undefined {
  const i = findExtent(extents, paddr);
  if (i >= extents.count || extents.start[i]! > paddr || extents.offset[i]! < 0) return undefined;
  const bytes = new Uint8Array(Math.min(length, extents.end[i]! - paddr));
  try {
    source.read(extents.offset[i]! + paddr - extents.start[i]!, bytes);
    return bytes;
  } catch (error) {
    if (isVmcoreError(error)) return undefined;
    throw error;
  }
}

function align4(size: number): number {
  return Math.ceil(size / 4) * 4;
}
