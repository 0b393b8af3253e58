// Synthetic ELF64 cores of any shape, right or wrong. (elf-core.ts reads real ones.)

export interface CoreNote {
  readonly name: string;
  readonly type: number;
  readonly desc: Uint8Array;
}

/** One PT_LOAD. */
export interface CoreSegment {
  /** All ones, "there is none", when left out. */
  readonly paddr?: number | bigint;
  readonly vaddr?: bigint;
  readonly data?: Uint8Array;
  /** Default: the length of the data. */
  readonly memSize?: number | bigint;
  /** What p_filesz says. Default: the length of the data. */
  readonly fileSize?: number | bigint;
  /** Default: behind everything before it, aligned to {@link ElfCoreShape.align}. */
  readonly offset?: number;
}

export interface ElfCoreShape {
  readonly segments: readonly CoreSegment[];
  /** One PT_NOTE each: notes, or a payload as it is. They come before the PT_LOADs. */
  readonly notes?: readonly (readonly CoreNote[] | Uint8Array)[];
  /** Default true. */
  readonly littleEndian?: boolean;
  /** e_machine. Default EM_X86_64. */
  readonly machine?: number;
  /** e_type. Default ET_CORE. */
  readonly type?: number;
  /** Default 64, right behind the ELF header. */
  readonly phoff?: number;
  /** File offsets of data are multiples of it: 1 packs them as `makedumpfile -E` does. Default 4096. */
  readonly align?: number;
  /** The number of program headers stands in section header 0 (PN_XNUM). */
  readonly extendedNumbering?: boolean;
}

export const EM_X86_64 = 62;
export const EM_S390 = 22;
const [PT_LOAD, PT_NOTE] = [1, 4];
const [EHDR, PHDR, SHDR] = [64, 56, 64];
const ALL_ONES = 0xffffffffffffffffn;

interface Phdr {
  readonly type: number;
  readonly offset: number;
  readonly vaddr: bigint;
  readonly paddr: number | bigint;
  readonly fileSize: number | bigint;
  readonly memSize: number | bigint;
  readonly data: Uint8Array;
}

export function buildElfCore(shape: ElfCoreShape): Buffer {
  const { phoff = EHDR, littleEndian = true, extendedNumbering = false } = shape;
  const count = (shape.notes?.length ?? 0) + shape.segments.length;
  const shoff = phoff + count * PHDR;
  const phdrs = layOut(shape, shoff + (extendedNumbering ? SHDR : 0));
  const ends = phdrs.filter(({ data }) => data.length > 0).map(({ offset, data }) => offset + data.length);
  const core = Buffer.alloc(ends.reduce((a, b) => Math.max(a, b), shoff + (extendedNumbering ? SHDR : 0)));
  const view = new DataView(core.buffer, core.byteOffset);
  writeEhdr(view, shape, phoff, extendedNumbering ? 0xffff : count);
  if (extendedNumbering) {
    view.setBigUint64(40, BigInt(shoff), littleEndian); // e_shoff
    view.setUint16(60, 1, littleEndian); // e_shnum
    view.setUint32(shoff + 44, count, littleEndian); // sh_info
  }
  phdrs.forEach((phdr, i) => {
    writePhdr(view, phoff + i * PHDR, phdr, littleEndian);
    core.set(phdr.data, phdr.offset);
  });
  return core;
}

/** What a PT_NOTE holds: name and descriptor padded to 4 bytes. */
export function notePayload(notes: readonly CoreNote[], littleEndian = true): Buffer {
  const parts = notes.flatMap(({ name, type, desc }) => {
    const header = new DataView(new ArrayBuffer(12));
    header.setUint32(0, name.length + 1, littleEndian);
    header.setUint32(4, desc.length, littleEndian);
    header.setUint32(8, type, littleEndian);
    return [new Uint8Array(header.buffer), padded(Buffer.from(`${name}\0`)), padded(desc)];
  });
  return Buffer.concat(parts);
}

export function vmcoreinfoNote(text: string): CoreNote {
  return { name: 'VMCOREINFO', type: 0, desc: Buffer.from(text) };
}

/** `length` bytes that differ from their neighbours, and between seeds. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + seed * 31 + 1) & 0xff);
}

function layOut(shape: ElfCoreShape, dataStart: number): Phdr[] {
  const { littleEndian = true, align = 4096, notes = [], segments } = shape;
  let end = dataStart;
  const place = (data: Uint8Array, offset = Math.ceil(end / align) * align): number => {
    if (data.length > 0) end = Math.max(end, offset + data.length);
    return offset;
  };
  const noteHeaders = notes.map((content): Phdr => {
    const data = content instanceof Uint8Array ? content : notePayload(content, littleEndian);
    const offset = place(data);
    return { type: PT_NOTE, offset, vaddr: 0n, paddr: 0, fileSize: data.length, memSize: data.length, data };
  });
  const loads = segments.map((segment): Phdr => {
    const { data = new Uint8Array(), vaddr = 0n, paddr = ALL_ONES } = segment;
    const fileSize = segment.fileSize ?? data.length;
    const offset = place(data, segment.offset);
    return { type: PT_LOAD, offset, vaddr, paddr, fileSize, memSize: segment.memSize ?? fileSize, data };
  });
  return [...noteHeaders, ...loads];
}

function writeEhdr(view: DataView, shape: ElfCoreShape, phoff: number, phnum: number): void {
  const { littleEndian = true, machine = EM_X86_64, type = 4 } = shape;
  const ident = [0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1];
  ident.forEach((byte, i) => {
    view.setUint8(i, byte);
  });
  view.setUint16(16, type, littleEndian);
  view.setUint16(18, machine, littleEndian);
  view.setUint32(20, 1, littleEndian);
  view.setBigUint64(32, BigInt(phoff), littleEndian);
  view.setUint16(52, EHDR, littleEndian);
  view.setUint16(54, PHDR, littleEndian);
  view.setUint16(56, phnum, littleEndian);
  view.setUint16(58, SHDR, littleEndian);
}

function writePhdr(view: DataView, at: number, phdr: Phdr, littleEndian: boolean): void {
  view.setUint32(at, phdr.type, littleEndian);
  view.setUint32(at + 4, 7, littleEndian);
  const words = [phdr.offset, phdr.vaddr, phdr.paddr, phdr.fileSize, phdr.memSize, 0];
  words.forEach((word, i) => {
    view.setBigUint64(at + 8 + i * 8, BigInt(word), littleEndian);
  });
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  result.set(bytes);
  return result;
}
