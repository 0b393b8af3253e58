import type { CodecKind, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { checkLength, corruptPage } from './corrupt.ts';
import { MatchTable, MIN_MATCH, matchLength } from './match-table.ts';

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
/** After so many positions without a repetition every other one is tried, and so on. */
const SKIP_SHIFT = 5;

class SnappyCodec implements PageCodec {
  readonly name = 'snappy';
  readonly flag = PAGE_COMPRESSION.snappy;
  readonly #writer = new SnappyWriter();

  compress(page: Uint8Array, into: Uint8Array): number {
    return this.#writer.compress(page, into);
  }

  decompress(stored: Uint8Array, into: Uint8Array): void {
    checkLength(this.name, into.length, new SnappyReader(stored, into).run());
  }
}

/** Decompresses one page. Every read and copy is checked: `stored` comes from a file. */
class SnappyReader {
  readonly #from: Uint8Array;
  readonly #into: Uint8Array;
  #at = 0;
  #done = 0;

  constructor(stored: Uint8Array, into: Uint8Array) {
    this.#from = stored;
    this.#into = into;
  }

  /** Returns the number of bytes decompressed. */
  run(): number {
    if (this.#varint() !== this.#into.length) throw this.#corrupt('is of another size');
    while (this.#at < this.#from.length) {
      const tag = this.#from[this.#at++]!;
      const value = tag >> 2;
      const kind = tag & 3;
      if (kind === LITERALS) {
        this.#literals(value < LONG_LITERALS ? value + 1 : this.#integer(value - LONG_LITERALS + 1) + 1);
      } else if (kind === COPY_1) this.#copy(((tag >> 5) << 8) + this.#integer(1), (value & 7) + MIN_MATCH);
      else this.#copy(this.#integer(kind === COPY_4 ? 4 : 2), value + 1);
    }
    return this.#done;
  }

  /** Seven bits a byte, the lowest first. Five bytes hold every size there is. */
  #varint(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.#integer(1);
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw this.#corrupt('has no size');
  }

  #integer(bytes: number): number {
    if (this.#at + bytes > this.#from.length) throw this.#corrupt('ends early');
    let value = 0;
    for (let i = 0; i < bytes; i++) value += this.#from[this.#at++]! * 2 ** (8 * i);
    return value;
  }

  #literals(count: number): void {
    if (this.#at + count > this.#from.length) throw this.#corrupt('ends early');
    if (this.#done + count > this.#into.length) throw this.#corrupt('holds more');
    for (let i = 0; i < count; i++) this.#into[this.#done++] = this.#from[this.#at++]!;
  }

  #copy(distance: number, length: number): void {
    if (distance === 0 || distance > this.#done) throw this.#corrupt('copies from before its beginning');
    if (this.#done + length > this.#into.length) throw this.#corrupt('holds more');
    const into = this.#into;
    for (let end = this.#done + length; this.#done < end; this.#done++) {
      into[this.#done] = into[this.#done - distance]!;
    }
  }

  #corrupt(why: string): Error {
    return corruptPage('snappy', this.#into.length, why);
  }
}

/** Compresses pages, each as the first repetition that is found allows. */
class SnappyWriter {
  readonly #table = new MatchTable();
  #into: Uint8Array = new Uint8Array(0);
  #size = 0;

  compress(page: Uint8Array, into: Uint8Array): number {
    this.#into = into;
    this.#size = 0;
    this.#table.begin(page.length);
    this.#writeVarint(page.length);
    let literals = 0;
    for (let at = 0; at + MIN_MATCH <= page.length && this.#size < page.length; ) {
      const earlier = this.#table.find(page, at);
      if (earlier < 0 || at - earlier > COPY_2_DISTANCE) {
        at += 1 + ((at - literals) >> SKIP_SHIFT);
        continue;
      }
      const length = matchLength(page, earlier, at);
      this.#writeLiterals(page, literals, at);
      this.#writeCopies(at - earlier, length);
      at += length;
      literals = at;
    }
    this.#writeLiterals(page, literals, page.length);
    return this.#size < page.length ? this.#size : 0;
  }

  #writeVarint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#write((rest & 0x7f) | 0x80);
    this.#write(rest);
  }

  #writeLiterals(page: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count === 0) return;
    const value = count - 1;
    if (value < LONG_LITERALS) this.#write((value << 2) | LITERALS);
    else {
      const bytes = value < 0x100 ? 1 : value < 0x10000 ? 2 : 3;
      this.#write(((LONG_LITERALS + bytes - 1) << 2) | LITERALS);
      for (let i = 0; i < bytes; i++) this.#write((value >> (8 * i)) & 0xff);
    }
    if (this.#size + count <= this.#into.length) this.#into.set(page.subarray(from, to), this.#size);
    this.#size += count;
  }

  /** A repetition longer than one copy can say becomes several. */
  #writeCopies(distance: number, length: number): void {
    for (let rest = length; rest > 0; ) {
      const part = Math.min(rest, COPY_LENGTH);
      this.#writeCopy(distance, part);
      rest -= part;
    }
  }

  #writeCopy(distance: number, length: number): void {
    if (length >= MIN_MATCH && length <= COPY_1_LENGTH && distance <= COPY_1_DISTANCE) {
      this.#write(((distance >> 8) << 5) | ((length - MIN_MATCH) << 2) | COPY_1);
      this.#write(distance & 0xff);
      return;
    }
    this.#write(((length - 1) << 2) | COPY_2);
    this.#write(distance & 0xff);
    this.#write(distance >> 8);
  }

  /** What does not fit is counted and not written. */
  #write(byte: number): void {
    this.#into[this.#size++] = byte;
  }
}

/** Snappy has no levels. */
export const snappy: CodecKind = {
  levels: { min: 1, max: 1, standard: 1 },
  implementations: [{ name: 'vmcore', load: () => ({ version: '', create: () => new SnappyCodec() }) }],
};
