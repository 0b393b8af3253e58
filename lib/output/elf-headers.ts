import type { NoteSegment } from '../formats/core-file.ts';
import {
  ELF_IDENT,
  ELF_MAGIC,
  ELF64,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  ET_CORE,
  EV_CURRENT,
  PN_XNUM,
  PT_LOAD,
  PT_NOTE,
} from '../formats/elf-layout.ts';
import { ELF_INCOMPLETE } from '../formats/incomplete-mark.ts';
import type { ElfLoad } from './elf-plan.ts';

const { ehdr: EHDR, phdr: PHDR, shdr: SHDR } = ELF64;
/** Bytes of the ELF header. */
export const EHDR_SIZE = EHDR.bytes;

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
  return (loads + 1) * PHDR.bytes + (loads + 1 < PN_XNUM ? 0 : SHDR.bytes);
}

/** The ELF header, 64 bytes. */
export function encodeEhdr(headers: ElfHeaders): Uint8Array {
  const { littleEndian, machine, incomplete, loads, tableOffset } = headers;
  const count = loads.length + 1;
  const bytes = new Uint8Array(EHDR_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set([...ELF_MAGIC, ELFCLASS64, littleEndian ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT]);
  view.setUint16(ELF_IDENT.type, ET_CORE, littleEndian);
  view.setUint16(ELF_IDENT.machine, machine, littleEndian);
  view.setUint32(ELF_IDENT.headerVersion, EV_CURRENT, littleEndian);
  view.setBigUint64(EHDR.phoff, BigInt(tableOffset), littleEndian);
  view.setUint32(EHDR.flags, incomplete ? ELF_INCOMPLETE : 0, littleEndian);
  view.setUint16(EHDR.ehsize, EHDR_SIZE, littleEndian);
  view.setUint16(EHDR.phentsize, PHDR.bytes, littleEndian);
  view.setUint16(EHDR.phnum, Math.min(count, PN_XNUM), littleEndian);
  if (count >= PN_XNUM) {
    view.setBigUint64(EHDR.shoff, BigInt(tableOffset + count * PHDR.bytes), littleEndian);
    view.setUint16(EHDR.shentsize, SHDR.bytes, littleEndian);
    view.setUint16(EHDR.shnum, 1, littleEndian);
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
    view.setUint32(at + PHDR.flags, header.flags, littleEndian);
    view.setBigUint64(at + PHDR.offset, BigInt(offset), littleEndian);
    view.setBigUint64(at + PHDR.vaddr, header.vaddr, littleEndian);
    view.setBigUint64(at + PHDR.paddr, BigInt(header.paddr), littleEndian);
    view.setBigUint64(at + PHDR.filesz, BigInt(header.fileSize), littleEndian);
    view.setBigUint64(at + PHDR.memsz, BigInt(header.memSize), littleEndian);
    view.setBigUint64(at + PHDR.align, header.align, littleEndian);
    at += PHDR.bytes;
  };
  const { flags, align } = noteSegment ?? { flags: 0, align: 0n };
  const { size } = notes;
  add(PT_NOTE, { flags, align, vaddr: 0n, paddr: 0, fileSize: size, memSize: size }, notes.offset);
  for (const load of loads) add(PT_LOAD, load, load.offset < 0 ? 0 : dataOffset + load.offset);
  if (bytes.length > at) {
    view.setBigUint64(at + SHDR.size, 1n, littleEndian); // e_shnum
    view.setUint32(at + SHDR.info, loads.length + 1, littleEndian);
  }
  return bytes;
}
