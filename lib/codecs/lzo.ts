import type { CodecKind, PageCodec } from './codec.ts';
import { PAGE_COMPRESSION } from './codec.ts';
import { Lz77Reader } from './lz77-reader.ts';
import { Lz77Writer } from './lz77-writer.ts';

/**
 * LZO1X, written from the description of its instructions in Linux' Documentation/staging/lzo.rst. A stream is a
 * sequence of instructions, each a copy from what was decompressed already or a run of literals, and ends with a
 * copy from distance 16384 that has no meaning else:
 *
 * ```
 * 0000LLLL  [length]           a run of literals, where no literals came before
 * 0000DDSS  H                  2 bytes from distance 1 to 1024 behind 1 to 3 literals, 3 from 2049 to 3072 behind a run
 * 0001HLLL  [length] DDDDDDSS D  from distance 16384 to 49151
 * 001LLLLL  [length] DDDDDDSS D  from distance 1 to 16384
 * 01LDDDSS  H                  3 or 4 bytes from distance 1 to 2048
 * 1LLDDDSS  H                  5 to 8 bytes from distance 1 to 2048
 * ```
 *
 * S is the number of literals behind a copy. A length of 0 in the instruction is continued in the bytes behind it.
 */
const END = [0x11, 0, 0] as const;

/** The farthest distance of a copy of 1LLDDDSS, of 001LLLLL and of 0001HLLL. */
const NEAR = 2048;
const MIDDLE = 16384;
const FAR = 49151;
/** The longest copy that 1LLDDDSS can say. */
const NEAR_LENGTH = 8;
/** Lengths from which on they stand in bytes of their own: literals, 001LLLLL, 0001HLLL. */
const LONG_RUN = 18;
const LONG_MIDDLE = 33;
const LONG_FAR = 9;
/** The first byte of a stream may be a number of literals plus this. */
const FIRST_RUN = 17;

class LzoCodec implements PageCodec {
  readonly name = 'lzo';
  readonly flag = PAGE_COMPRESSION.lzo;
  readonly #writer = new LzoWriter();

  compress(page: Uint8Array, into: Uint8Array): number {
    return this.#writer.compress(page, into);
  }

  decompress(stored: Uint8Array, into: Uint8Array): void {
    new LzoReader(this.name, stored, into).run();
  }
}

class LzoReader extends Lz77Reader {
  protected override decode(): void {
    let literals = this.#firstRun();
    for (;;) {
      const code = this.byte();
      if (code >= 64) literals = this.#nearCopy(code);
      else if (code >= 16) {
        if (code < 32 && this.#isEnd(code)) break;
        literals = this.#farCopy(code);
      } else if (literals === 0) {
        this.literals(code === 0 ? this.#longLength(LONG_RUN) : code + 3);
        literals = 4;
      } else literals = this.#shortCopy(code, literals);
    }
    this.#checkEnd();
  }

  /** How many literals came before the next instruction: 4 stands for all larger numbers. */
  #firstRun(): number {
    const first = this.from[0] ?? 0;
    if (first <= FIRST_RUN) return 0;
    this.at = 1;
    this.literals(first - FIRST_RUN);
    return Math.min(first - FIRST_RUN, 4);
  }

  #nearCopy(code: number): number {
    const length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
    this.copy((this.byte() << 3) + ((code >> 2) & 7) + 1, length);
    return this.literals(code & 3);
  }

  #farCopy(code: number): number {
    const isMiddle = code >= 32;
    const short = code & (isMiddle ? 31 : 7);
    const length = short > 0 ? short + 2 : this.#longLength(isMiddle ? LONG_MIDDLE : LONG_FAR);
    const low = this.byte();
    const distance = (this.byte() << 6) + (low >> 2);
    this.copy(isMiddle ? distance + 1 : MIDDLE + ((code & 8) << 11) + distance, length);
    return this.literals(low & 3);
  }

  #shortCopy(code: number, literals: number): number {
    const distance = (this.byte() << 2) + (code >> 2) + 1;
    this.copy(literals === 4 ? distance + NEAR : distance, literals === 4 ? 3 : 2);
    return this.literals(code & 3);
  }

  #isEnd(code: number): boolean {
    return code === END[0] && this.from[this.at] === END[1] && this.from[this.at + 1] === END[2];
  }

  #checkEnd(): void {
    if (this.at + END.length - 1 !== this.from.length) throw this.corrupt('goes on behind its end');
  }

  /** A length beyond `base`: each byte of zero counts 255. */
  #longLength(base: number): number {
    let length = base;
    let byte = this.byte();
    for (; byte === 0; byte = this.byte()) length += 255;
    return length + byte;
  }
}

class LzoWriter extends Lz77Writer {
  constructor() {
    super(FAR);
  }

  /** The first literals say what it is. */
  protected override writeBeginning(): void {}

  protected override writeLiterals(page: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (this.size === 0 && count <= 255 - FIRST_RUN) this.write(FIRST_RUN + count);
    // The two bits for it are in the first of the last two bytes of each copy.
    else if (count <= 3 && this.size > 0) this.into[this.size - 2]! |= count;
    else if (count <= LONG_RUN) this.write(count - 3);
    else this.#writeLong(0, count - LONG_RUN);
    this.writeBytes(page, from, to);
  }

  protected override writeCopy(distance: number, length: number): void {
    if (distance <= NEAR && length <= NEAR_LENGTH) {
      this.write(((length - 1) << 5) | (((distance - 1) & 7) << 2));
      this.write((distance - 1) >> 3);
      return;
    }
    const isMiddle = distance <= MIDDLE;
    const code = isMiddle ? 32 : 16 | (((distance - MIDDLE) >> 11) & 8);
    const long = isMiddle ? LONG_MIDDLE : LONG_FAR;
    if (length <= long) this.write(code | (length - 2));
    else this.#writeLong(code, length - long);
    const rest = isMiddle ? distance - 1 : distance - MIDDLE;
    this.write((rest << 2) & 0xff);
    this.write((rest >> 6) & 0xff);
  }

  /** An instruction without a length, which follows: what exceeds 255 as bytes of zero. */
  #writeLong(code: number, length: number): void {
    this.write(code);
    let rest = length;
    for (; rest > 255; rest -= 255) this.write(0);
    this.write(rest);
  }

  protected override writeEnd(): void {
    for (const byte of END) this.write(byte);
  }
}

/** LZO has no levels here: this is the fast LZO1X-1, which makedumpfile writes too. */
export const lzo: CodecKind = {
  levels: { min: 1, max: 1, standard: 1 },
  implementations: [{ name: 'vmcore', load: () => ({ version: '', create: () => new LzoCodec() }) }],
};
