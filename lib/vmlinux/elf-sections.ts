import { type ByteSource, requireRange } from '../access/byte-source.ts';
import type { VmcoreError } from '../errors.ts';
import { damaged, narrow, unsupported } from '../formats/damaged.ts';
import { isElf, readElfIdent } from '../formats/elf.ts';
import type { ElfClass } from '../formats/elf-layout.ts';

/** e_type of what is linked, at fixed addresses or relocatable (gABI, ELF Header). */
const ET_EXEC = 2;
const ET_DYN = 3;
/** gABI, Sections: no bytes in the file; in memory; compressed; the index of the names' section is in sh_link of section 0. */
const SHT_NOBITS = 8;
const SHF_ALLOC = 0x2n;
const SHF_COMPRESSED = 0x800n;
const SHN_XINDEX = 0xffff;
/** A vmlinux has a hundred. */
const SECTIONS_LIMIT = 65536;
/** In bytes. */
const NAMES_LIMIT = 1 << 20;

/** A section as its header describes it. */
export interface Section {
  readonly name: string;
  /** sh_type. */
  readonly type: number;
  /** Where it is in memory, as linked. */
  readonly address: bigint;
  /** In the file. */
  readonly offset: number;
  readonly size: number;
  /** Index of the section that it needs: of a symbol table, that of its names. */
  readonly link: number;
  readonly isCompressed: boolean;
  /** Whether it is in memory. */
  readonly isLoaded: boolean;
  /** Whether it has bytes in the file. */
  readonly hasBytes: boolean;
}

/** A linked program, by its sections. */
export interface ElfProgram {
  readonly source: ByteSource;
  readonly elf: ElfClass;
  readonly littleEndian: boolean;
  readonly machine: number;
  readonly sections: readonly Section[];
}

/** @throws VmcoreError ERR_VMCORE_FORMAT for what is no linked program, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT. */
export function readElfProgram(source: ByteSource): ElfProgram {
  const head = new Uint8Array(4);
  if (source.size >= head.length) source.read(0, head);
  if (!isElf(head)) throw noProgram(source, 'is no ELF file');
  const { elf, littleEndian, type, machine, view } = readElfIdent(source);
  if (type !== ET_EXEC && type !== ET_DYN) throw noProgram(source, `is an ELF file of type ${type}`);
  const header = { source, elf, littleEndian };
  const shoff = narrow(source.name, elf.word(view, elf.ehdr.shoff, littleEndian), 'e_shoff', elf.ehdr.shoff);
  const shentsize = view.getUint16(elf.ehdr.shentsize, littleEndian);
  if (shoff === 0) return { ...header, machine, sections: [] };
  if (shentsize !== elf.shdr.bytes) {
    throw damaged(source.name, `has section headers of ${shentsize} bytes`, elf.ehdr.shentsize);
  }
  const first = readHeaders(header, shoff, 1)[0]!;
  // What does not fit the 16 bits of the ELF header is in section header 0.
  const count = view.getUint16(elf.ehdr.shnum, littleEndian) || first.size;
  const nameIndex = view.getUint16(elf.ehdr.shstrndx, littleEndian);
  if (count > SECTIONS_LIMIT) throw damaged(source.name, `claims ${count} sections`, elf.ehdr.shnum);
  const headers = readHeaders(header, shoff, count);
  const names = readNames(source, headers[nameIndex === SHN_XINDEX ? first.link : nameIndex]);
  const sections = headers.map((section) => ({ ...section, name: stringAt(names, section.nameOffset) }));
  return { ...header, machine, sections };
}

/** The section of a name that has bytes in the file. */
export function findSection({ sections }: ElfProgram, name: string): Section | undefined {
  return sections.find((section) => section.name === name && section.hasBytes);
}

type Header = Omit<Section, 'name'> & { readonly nameOffset: number };

function readHeaders(
  { source, elf, littleEndian }: Pick<ElfProgram, 'source' | 'elf' | 'littleEndian'>,
  shoff: number,
  count: number,
): Header[] {
  const { shdr } = elf;
  requireRange(source, shoff, count * shdr.bytes);
  const bytes = new Uint8Array(count * shdr.bytes);
  source.read(shoff, bytes);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => {
    const at = i * shdr.bytes;
    const word = (field: 'flags' | 'addr' | 'offset' | 'size') =>
      elf.word(view, at + shdr[field], littleEndian);
    const type = view.getUint32(at + shdr.type, littleEndian);
    return {
      nameOffset: view.getUint32(at + shdr.name, littleEndian),
      type,
      address: word('addr'),
      offset: narrow(source.name, word('offset'), 'sh_offset', shoff + at),
      size: narrow(source.name, word('size'), 'sh_size', shoff + at),
      link: view.getUint32(at + shdr.link, littleEndian),
      isLoaded: (word('flags') & SHF_ALLOC) !== 0n,
      isCompressed: (word('flags') & SHF_COMPRESSED) !== 0n,
      hasBytes: type !== SHT_NOBITS,
    };
  });
}

function readNames(source: ByteSource, section: Header | undefined): Buffer {
  if (!section?.hasBytes || section.size > NAMES_LIMIT) {
    throw damaged(source.name, 'has no section with the names of its sections');
  }
  requireRange(source, section.offset, section.size);
  const bytes = Buffer.alloc(section.size);
  source.read(section.offset, bytes);
  return bytes;
}

function stringAt(names: Buffer, offset: number): string {
  const end = names.indexOf(0, offset);
  return end < 0 ? '' : names.toString('latin1', offset, end);
}

function noProgram(source: ByteSource, what: string): VmcoreError {
  return unsupported(source.name, `${what}, not the vmlinux of a kernel`);
}
