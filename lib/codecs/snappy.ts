import type { CodecKind, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { Lz77Reader } from './lz77-reader.ts';
import { Lz77Writer } from './lz77-writer.ts';
import { MIN_MATCH } from './match-table.ts';

/**
 * Snappy's block format without framing (google/snappy, format_description.txt): the decompressed size as a varint, then
 * elements, whose tags have their kind in the low two bits.
 */
const LITERALS = 0;
const COPY_1 = 1;
const COPY_2 = 2;
const COPY_4 = 3;

/** Literal lengths from here on stand in 1 to 4 bytes behind the tag. */
const LONG_LITERALS = 60;
/** The longest copy, and the distances that one and two bytes can say. */
const COPY_LENGTH = 64;
const COPY_1_LENGTH = 11;
const COPY_1_DISTANCE = 2047;
const COPY_2_DISTANCE = 65535;

class SnappyCodec implements PageCodec {
  readonly name = 'snappy';
  readonly flag = PAGE_COMPRESSION.snappy;
  readonly #writer = new SnappyWriter();

  compress(page: Uint8Array, into: Uint8Array): number {
    return this.#writer.compress(page, into);
  }

  decompress(stored: Uint8Array, into: Uint8Array): void {
    new SnappyReader(this.name, stored, into).run();
  }
}

class SnappyReader extends Lz77Reader {
  protected override decode(): void {
    if (this.#varint() !== this.pageSize) throw this.corrupt('is of another size');
    while (this.at < this.from.length) {
      const tag = this.from[this.at++]!;
      const value = tag >> 2;
      const kind = tag & 3;
      if (kind === LITERALS) {
        this.literals(value < LONG_LITERALS ? value + 1 : this.#integer(value - LONG_LITERALS + 1) + 1);
      } else if (kind === COPY_1) this.copy(((tag >> 5) << 8) + this.#integer(1), (value & 7) + MIN_MATCH);
      else this.copy(this.#integer(kind === COPY_4 ? 4 : 2), value + 1);
    }
  }

  /** Seven bits a byte, the lowest first. Five bytes hold every size there is. */
  #varint(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw this.corrupt('has no size');
  }

  #integer(bytes: number): number {
    if (this.at + bytes > this.from.length) throw this.corrupt('ends early');
    let value = 0;
    for (let i = 0; i < bytes; i++) value += this.from[this.at++]! * 2 ** (8 * i);
    return value;
  }
}

class SnappyWriter extends Lz77Writer {
  constructor() {
    super(COPY_2_DISTANCE);
  }

  /** The size of the page as a varint. */
  protected override writeBeginning(pageSize: number): void {
    let rest = pageSize;
    for (; rest >= 0x80; rest >>>= 7) this.write((rest & 0x7f) | 0x80);
    this.write(rest);
  }

  protected override writeLiterals(page: Uint8Array, from: number, to: number): void {
    const value = to - from - 1;
    if (value < LONG_LITERALS) this.write((value << 2) | LITERALS);
    else {
      const bytes = value < 0x100 ? 1 : value < 0x10000 ? 2 : 3;
      this.write(((LONG_LITERALS + bytes - 1) << 2) | LITERALS);
      for (let i = 0; i < bytes; i++) this.write((value >> (8 * i)) & 0xff);
    }
    this.writeBytes(page, from, to);
  }

  /** A repetition longer than one copy can say becomes several. */
  protected override writeCopy(distance: number, length: number): void {
    for (let rest = length; rest > 0; ) {
      const part = Math.min(rest, COPY_LENGTH);
      this.#writePart(distance, part);
      rest -= part;
    }
  }

  #writePart(distance: number, length: number): void {
    if (length >= MIN_MATCH && length <= COPY_1_LENGTH && distance <= COPY_1_DISTANCE) {
      this.write(((distance >> 8) << 5) | ((length - MIN_MATCH) << 2) | COPY_1);
      this.write(distance & 0xff);
      return;
    }
    this.write(((length - 1) << 2) | COPY_2);
    this.write(distance & 0xff);
    this.write(distance >> 8);
  }

  protected override writeEnd(): void {}
}

/** Snappy has no levels. */
export const snappy: CodecKind = {
  levels: { min: 1, max: 1, standard: 1 },
  implementations: [{ name: 'vmcore', load: () => ({ version: '', create: () => new SnappyCodec() }) }],
};
