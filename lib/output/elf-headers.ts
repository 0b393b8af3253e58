import type { NoteSegment } from '../formats/core-file.ts';
import { ELF_INCOMPLETE } from '../formats/incomplete-mark.ts';
import type { ElfLoad } from './elf-plan.ts';

/** Sizes and values: include/uapi/linux/elf.h, and the gABI's chapters ELF Header and Program Header. */
export const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const SHDR_SIZE = 64;
const EV_CURRENT = 1;
const ET_CORE = 4;
const PT_LOAD = 1;
const PT_NOTE = 4;
/** e_phnum when there are as many program headers or more: sh_info of section header 0 has their number. */
const PN_XNUM = 0xffff;

/** Everything that the headers of a core say. */
export interface ElfHeaders {
  readonly littleEndian: boolean;
  /** e_machine. */
  readonly machine: number;
  readonly incomplete: boolean;
  readonly noteSegment: NoteSegment | undefined;
  /** Where the notes lie, in bytes. */
  readonly notes: { readonly offset: number; readonly size: number };
  readonly loads: readonly ElfLoad[];
  /** File offset of the data of the loads. */
  readonly dataOffset: number;
  /** File offset of the program headers. */
  readonly tableOffset: number;
}

/** Bytes of the program headers of so many PT_LOADs and a PT_NOTE, and of the section header that counts them. */
export function tableSize(loads: number): number {
  return (loads + 1) * PHDR_SIZE + (loads + 1 < PN_XNUM ? 0 : SHDR_SIZE);
}

/** The ELF header, 64 bytes. */
export function encodeEhdr(headers: ElfHeaders): Uint8Array {
  const { littleEndian, machine, incomplete, loads, tableOffset } = headers;
  const count = loads.length + 1;
  const bytes = new Uint8Array(EHDR_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, EV_CURRENT]); // ELFCLASS64, ELFDATA2LSB or 2MSB
  view.setUint16(16, ET_CORE, littleEndian);
  view.setUint16(18, machine, littleEndian);
  view.setUint32(20, EV_CURRENT, littleEndian);
  view.setBigUint64(32, BigInt(tableOffset), littleEndian); // e_phoff
  view.setUint32(48, incomplete ? ELF_INCOMPLETE : 0, littleEndian); // e_flags
  view.setUint16(52, EHDR_SIZE, littleEndian);
  view.setUint16(54, PHDR_SIZE, littleEndian);
  view.setUint16(56, Math.min(count, PN_XNUM), littleEndian);
  if (count >= PN_XNUM) {
    view.setBigUint64(40, BigInt(tableOffset + count * PHDR_SIZE), littleEndian); // e_shoff
    view.setUint16(58, SHDR_SIZE, littleEndian);
    view.setUint16(60, 1, littleEndian); // e_shnum
  }
  return bytes;
}

/** The program headers, PT_NOTE first, and the section header that counts them where there are too many. */
export function encodeTable({ littleEndian, loads, notes, noteSegment, dataOffset }: ElfHeaders): Uint8Array {
  const bytes = new Uint8Array(tableSize(loads.length));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const add = (type: number, header: Omit<ElfLoad, 'offset'>, offset: number) => {
    view.setUint32(at, type, littleEndian);
    view.setUint32(at + 4, header.flags, littleEndian);
    view.setBigUint64(at + 8, BigInt(offset), littleEndian);
    view.setBigUint64(at + 16, header.vaddr, littleEndian);
    view.setBigUint64(at + 24, BigInt(header.paddr), littleEndian);
    view.setBigUint64(at + 32, BigInt(header.fileSize), littleEndian);
    view.setBigUint64(at + 40, BigInt(header.memSize), littleEndian);
    view.setBigUint64(at + 48, header.align, littleEndian);
    at += PHDR_SIZE;
  };
  const { flags, align } = noteSegment ?? { flags: 0, align: 0n };
  const { size } = notes;
  add(PT_NOTE, { flags, align, vaddr: 0n, paddr: 0, fileSize: size, memSize: size }, notes.offset);
  for (const load of loads) add(PT_LOAD, load, load.offset < 0 ? 0 : dataOffset + load.offset);
  if (bytes.length > at) {
    view.setBigUint64(at + 32, 1n, littleEndian); // sh_size: e_shnum
    view.setUint32(at + 44, loads.length + 1, littleEndian); // sh_info
  }
  return bytes;
}
