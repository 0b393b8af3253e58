/** A LEB128 number of 64 bits has at most 10 bytes; more of them are padding, of which none needs as much. */
const LEB128_SCALE_LIMIT = 128 ** 16;

/** Reads numbers one after another. It throws a RangeError at the end of the bytes, as DataView does. */
export class ByteCursor {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  at = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, littleEndian: boolean) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(): number {
    return this.#view.getUint8(this.at++);
  }

  u16(): number {
    const value = this.#view.getUint16(this.at, this.littleEndian);
    this.at += 2;
    return value;
  }

  u24(): number {
    const [a, b, c] = [this.u8(), this.u8(), this.u8()];
    return this.littleEndian ? a | (b << 8) | (c << 16) : (a << 16) | (b << 8) | c;
  }

  u32(): number {
    const value = this.#view.getUint32(this.at, this.littleEndian);
    this.at += 4;
    return value;
  }

  /** It loses what 53 bits do not hold. */
  u64(): number {
    const value = this.#view.getBigUint64(this.at, this.littleEndian);
    this.at += 8;
    return Number(value);
  }

  /** LEB128 (DWARF 5, 7.6); it loses what 53 bits do not hold. */
  uleb(): number {
    let value = 0;
    for (let scale = 1; scale < LEB128_SCALE_LIMIT; scale *= 128) {
      const byte = this.#view.getUint8(this.at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number has no end');
  }

  sleb(): number {
    let value = 0;
    for (let scale = 1; scale < LEB128_SCALE_LIMIT; scale *= 128) {
      const byte = this.#view.getUint8(this.at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return byte & 0x40 ? value - 128 * scale : value;
    }
    throw new RangeError('a number has no end');
  }

  /** Passes `length` bytes. */
  skip(length: number): void {
    if (length > this.bytes.length - this.at) throw new RangeError(`${length} bytes are not there`);
    this.at += length;
  }

  /** The string up to its NUL, which is passed; undefined when it has more than `limit` bytes. */
  cstring(limit: number): string | undefined {
    const start = this.at;
    const end = this.bytes.indexOf(0, start);
    if (end < 0) throw new RangeError('a string has no end');
    this.at = end + 1;
    if (end - start > limit) return undefined;
    return String.fromCharCode(...this.bytes.subarray(start, end));
  }
}
