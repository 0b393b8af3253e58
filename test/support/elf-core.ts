// Physical memory and VMCOREINFO of a 64-bit ELF core in either byte order, read by code of the tests' own.
import { closeSync, openSync, readSync } from 'node:fs';

interface Segment {
  type: number;
  offset: number;
  vaddr: bigint;
  paddr: number;
  filesz: number;
  memsz: number;
}

/** Elf64_Phdr types. */
const [load, note] = [1, 4];
/** EI_DATA of e_ident, and its value of little-endian files. */
const [dataAt, littleEndian] = [5, 1];

export class ElfCore {
  readonly segments: Segment[];
  readonly vmcoreinfo: string;
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    const header = this.#read(0, 64);
    const little = header[dataAt] === littleEndian;
    const count = viewOf(header).getUint16(56, little);
    const table = this.#read(Number(viewOf(header).getBigUint64(32, little)), count * 56);
    const all = Array.from({ length: count }, (_, i) =>
      segment(table.subarray(i * 56, (i + 1) * 56), little),
    );
    this.segments = all.filter(({ type }) => type === load);
    const notes = all
      .filter(({ type }) => type === note)
      .map(({ offset, filesz }) => this.#read(offset, filesz));
    const text = Buffer.concat(notes).toString('latin1');
    const start = text.indexOf('OSRELEASE=');
    this.vmcoreinfo = start < 0 ? '' : text.slice(start).split('\0', 1)[0]!;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** A line such as NUMBER(PG_lru), decimal or, for symbols, hexadecimal; undefined when there is none. */
  info(key: string): bigint | undefined {
    const line = this.vmcoreinfo.split('\n').find((text) => text.startsWith(`${key}=`));
    if (line === undefined) return undefined;
    const value = line.slice(key.length + 1);
    if (key.startsWith('SYMBOL') || key === 'KERNELOFFSET') return BigInt(`0x${value}`);
    return value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value);
  }

  /** Bytes at a physical address, all in one segment; undefined where the file has none. */
  physical(paddr: number, length: number): Buffer | undefined {
    const home = this.segments.find((s) => paddr >= s.paddr && paddr + length <= s.paddr + s.filesz);
    return home && this.#read(home.offset + paddr - home.paddr, length);
  }

  #read(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const read = readSync(this.#fd, bytes, done, length - done, position + done);
      if (read === 0) throw new Error(`the core ends at ${position + done}`);
      done += read;
    }
    return bytes;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function segment(header: Buffer, little: boolean): Segment {
  const view = viewOf(header);
  const word = (at: number) => Number(view.getBigUint64(at, little));
  return {
    type: view.getUint32(0, little),
    offset: word(8),
    vaddr: view.getBigUint64(16, little),
    paddr: word(24),
    filesz: word(32),
    memsz: word(40),
  };
}
