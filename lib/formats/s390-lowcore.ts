import type { CoreFile } from './core-file.ts';
import { EM_S390 } from './machine.ts';
import { align4, findVmcoreinfo, joinNotes, parseNotes } from './notes.ts';
import { readExtent } from './read-extent.ts';

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
  const payload = joinNotes(notePayload.subarray(0, end), note);
  return { ...core, notePayload: payload, notes: [...notes, ...parseNotes(payload, false, end)] };
}

/** Undefined where the lowcore points to none, or either is not in the core. */
function readVmcoreinfoNote({ source, extents }: CoreFile): Uint8Array | undefined {
  const pointer = readExtent(source, extents, VMCORE_INFO, POINTER_BYTES);
  if (pointer?.length !== POINTER_BYTES) return undefined;
  // Until the kernel is up, it keeps its KASLR offset there, with bit 0 set (arch/s390/boot/startup.c).
  const address = Number(new DataView(pointer.buffer).getBigUint64(0));
  if (address === 0 || address % 4 !== 0) return undefined;
  const bytes = readExtent(source, extents, address, NOTE_BYTES);
  const note = bytes && findVmcoreinfo(parseNotes(bytes, false).slice(0, 1));
  return note && bytes.subarray(0, align4(note.offset + note.desc.length));
}
