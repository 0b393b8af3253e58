import { ELF_CLASSES, ELF_IDENT, ELFDATA2LSB } from './elf-layout.ts';
import { HEADER, HEADER_32, HEADER_SIZE, KDUMP_SIGNATURE, STATUS_INCOMPLETE } from './kdump-layout.ts';
import { isPageSize } from './machine.ts';

/** Bytes from the beginning of a dump that its mark lies in, whatever the format. */
export const MARK_BYTES = HEADER_SIZE;

/** e_flags of a core that lacks pages (makedumpfile.h: DUMP_ELF_INCOMPLETE). */
export const ELF_INCOMPLETE = 1;

/**
 * Marks the dump that begins with `head` incomplete, as its writer would: kdump-compressed or ELF, of any byte order and
 * word size. What is neither, or too short, stays as it is.
 */
export function markIncomplete(head: Uint8Array): void {
  const place = placeOf(head);
  if (!place) return;
  const { offset, bit, littleEndian } = place;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  view.setUint32(offset, view.getUint32(offset, littleEndian) | bit, littleEndian);
}

/** Whether the dump that begins with `head` is marked so. */
export function isMarkedIncomplete(head: Uint8Array): boolean {
  const place = placeOf(head);
  if (!place) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return (view.getUint32(place.offset, place.littleEndian) & place.bit) !== 0;
}

/** Where the mark is, and in which byte order. */
interface MarkPlace {
  readonly offset: number;
  readonly bit: number;
  readonly littleEndian: boolean;
}

function placeOf(head: Uint8Array): MarkPlace | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const text = String.fromCharCode(...head.subarray(0, KDUMP_SIGNATURE.length));
  if (text === KDUMP_SIGNATURE) return placeInKdump(view);
  return text.startsWith('\x7fELF') ? placeInElf(view) : undefined;
}

function placeInKdump(view: DataView): MarkPlace | undefined {
  const layouts = [HEADER, HEADER_32].flatMap(({ status, blockSize }) =>
    [true, false].map((littleEndian) => ({ status, blockSize, littleEndian })),
  );
  const layout = layouts.find(
    ({ blockSize, littleEndian }) =>
      view.byteLength >= blockSize + 4 && isPageSize(view.getInt32(blockSize, littleEndian)),
  );
  return layout && { offset: layout.status, bit: STATUS_INCOMPLETE, littleEndian: layout.littleEndian };
}

function placeInElf(view: DataView): MarkPlace | undefined {
  const offset =
    view.byteLength > ELF_IDENT.data ? ELF_CLASSES[view.getUint8(ELF_IDENT.class)]?.ehdr.flags : undefined;
  if (offset === undefined || view.byteLength < offset + 4) return undefined;
  return { offset, bit: ELF_INCOMPLETE, littleEndian: view.getUint8(ELF_IDENT.data) === ELFDATA2LSB };
}
