/**
 * ELF: its constants, and how its structures are laid out. Sources: include/uapi/linux/elf.h, and the gABI's chapters ELF
 * Header, Sections, Symbol Table and Program Header.
 */
export const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
/** Byte offsets of the fields that are where they are in both classes. */
export const ELF_IDENT = { class: 4, data: 5, version: 6, type: 16, machine: 18, headerVersion: 20 } as const;
export const EV_CURRENT = 1;
export const ET_CORE = 4;
export const PT_LOAD = 1;
export const PT_NOTE = 4;
/** e_phnum of PN_XNUM: the real number is sh_info of section header 0. */
export const PN_XNUM = 0xffff;

/** Where the fields lie that depend on the word size, in bytes. */
export interface ElfClass {
  readonly format: 'elf32' | 'elf64';
  readonly ehdr: {
    bytes: number;
    phoff: number;
    shoff: number;
    flags: number;
    ehsize: number;
    phentsize: number;
    phnum: number;
    shentsize: number;
    shnum: number;
    shstrndx: number;
  };
  readonly phdr: {
    bytes: number;
    flags: number;
    offset: number;
    vaddr: number;
    paddr: number;
    filesz: number;
    memsz: number;
    align: number;
  };
  readonly shdr: {
    bytes: number;
    name: number;
    type: number;
    flags: number;
    addr: number;
    offset: number;
    size: number;
    link: number;
    info: number;
  };
  readonly sym: { bytes: number; name: number; shndx: number; value: number };
  /** Of a section that is compressed. */
  readonly chdr: { bytes: number; type: number; size: number };
  /** p_paddr of all ones: the producer knew no physical address (fs/proc/kcore.c, vmalloc ranges). */
  readonly noPaddr: bigint;
  /** An address, offset or size. */
  word(view: DataView, at: number, littleEndian: boolean): bigint;
}

export const ELF32: ElfClass = {
  format: 'elf32',
  ehdr: {
    bytes: 52,
    phoff: 28,
    shoff: 32,
    flags: 36,
    ehsize: 40,
    phentsize: 42,
    phnum: 44,
    shentsize: 46,
    shnum: 48,
    shstrndx: 50,
  },
  phdr: { bytes: 32, flags: 24, offset: 4, vaddr: 8, paddr: 12, filesz: 16, memsz: 20, align: 28 },
  shdr: { bytes: 40, name: 0, type: 4, flags: 8, addr: 12, offset: 16, size: 20, link: 24, info: 28 },
  sym: { bytes: 16, name: 0, shndx: 14, value: 4 },
  chdr: { bytes: 12, type: 0, size: 4 },
  noPaddr: 0xffffffffn,
  word: (view, at, littleEndian) => BigInt(view.getUint32(at, littleEndian)),
};

export const ELF64: ElfClass = {
  format: 'elf64',
  ehdr: {
    bytes: 64,
    phoff: 32,
    shoff: 40,
    flags: 48,
    ehsize: 52,
    phentsize: 54,
    phnum: 56,
    shentsize: 58,
    shnum: 60,
    shstrndx: 62,
  },
  phdr: { bytes: 56, flags: 4, offset: 8, vaddr: 16, paddr: 24, filesz: 32, memsz: 40, align: 48 },
  shdr: { bytes: 64, name: 0, type: 4, flags: 8, addr: 16, offset: 24, size: 32, link: 40, info: 44 },
  sym: { bytes: 24, name: 0, shndx: 6, value: 8 },
  chdr: { bytes: 24, type: 0, size: 8 },
  noPaddr: 0xffffffffffffffffn,
  word: (view, at, littleEndian) => view.getBigUint64(at, littleEndian),
};

/** By e_ident[EI_CLASS]. */
export const ELF_CLASSES: Readonly<Record<number, ElfClass>> = { [ELFCLASS32]: ELF32, [ELFCLASS64]: ELF64 };
