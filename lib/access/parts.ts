/** Bytes that are wanted of a stretch, which begins with the first of them, and the gaps between them. */
export class Parts {
  /** Bytes: wanted, left out, wanted, and so on; the first {@link count} count. */
  lengths = new Int32Array(64);
  count = 0;
  /** Bytes that are wanted, and of the whole stretch. */
  wanted = 0;
  span = 0;

  clear(): void {
    this.count = this.wanted = this.span = 0;
  }

  /** Wants `bytes` more, behind a gap. Called for each run of pages of a dump: it allocates nothing. */
  push(gap: number, bytes: number): void {
    this.wanted += bytes;
    this.span += gap + bytes;
    if (gap === 0 && this.count > 0) {
      this.lengths[this.count - 1]! += bytes;
      return;
    }
    if (this.count + 2 > this.lengths.length) this.#grow();
    if (this.count > 0) this.lengths[this.count++] = gap;
    this.lengths[this.count++] = bytes;
  }

  #grow(): void {
    const grown = new Int32Array(2 * this.lengths.length);
    grown.set(this.lengths);
    this.lengths = grown;
  }
}

/** Moves what `parts` wants of the stretch at byte `from` of `bytes` to the beginning of `into`, which may be `bytes`. */
export function packParts(parts: Parts, bytes: Uint8Array, from: number, into: Uint8Array): void {
  let [at, to] = [from, 0];
  for (let i = 0; i < parts.count; i++) {
    const length = parts.lengths[i]!;
    if (i % 2 === 0) {
      into.set(bytes.subarray(at, at + length), to);
      to += length;
    }
    at += length;
  }
}

/** ByteSource.gather() of what can only be read: all of it, with the gaps. */
export function gatherByReading(
  source: { read(position: number, into: Uint8Array): void },
  position: number,
  parts: Parts,
  into: Uint8Array,
): void {
  source.read(position, into.subarray(0, parts.span));
  packParts(parts, into, 0, into);
}
