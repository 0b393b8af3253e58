import {
  checkFlattenedHeader,
  decodeRecordHead,
  FLATTENED_HEADER_SIZE,
  RECORD_HEAD_SIZE,
} from './flattened-layout.ts';

/** Bytes of a flattened stream, and where they belong. */
export interface FlattenedPiece {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Takes a flattened stream apart as it comes, in chunks of any size. What it holds does not grow with the records. */
export class FlattenedParser {
  readonly #name: string;
  /** What is gathered until it is whole: the stream's header, then heads of records. */
  readonly #head = new Uint8Array(FLATTENED_HEADER_SIZE);
  #gathered = 0;
  #wanted = FLATTENED_HEADER_SIZE;
  /** Bytes of the record that are still to come, and where they belong. */
  #rest = 0;
  #position = 0;
  #consumed = 0;
  #records = 0;
  #isComplete = false;

  /** @param name what errors call the stream. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Whether the end marker was there. What comes behind it is ignored. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get records(): number {
    return this.#records;
  }

  /** Bytes of the stream so far. */
  get consumed(): number {
    return this.#consumed;
  }

  /** Whether anything but the header was there. */
  get hasBegun(): boolean {
    return this.#consumed >= FLATTENED_HEADER_SIZE;
  }

  /**
   * The pieces of the next bytes, in the order of the stream: a later one wins over an earlier one.
   * @throws VmcoreError ERR_VMCORE_FORMAT when the stream is no flattened dump, ERR_VMCORE_CORRUPT.
   */
  *feed(chunk: Uint8Array): Generator<FlattenedPiece> {
    for (let at = 0; at < chunk.length && !this.#isComplete; ) {
      const piece = chunk.subarray(at, at + (this.#rest > 0 ? this.#rest : this.#wanted - this.#gathered));
      at += piece.length;
      this.#consumed += piece.length;
      if (this.#rest > 0) {
        yield { position: this.#position, bytes: piece };
        this.#position += piece.length;
        this.#rest -= piece.length;
      } else {
        this.#gather(piece);
      }
    }
  }

  #gather(piece: Uint8Array): void {
    this.#head.set(piece, this.#gathered);
    this.#gathered += piece.length;
    if (this.#gathered < this.#wanted) return;
    if (this.#wanted === FLATTENED_HEADER_SIZE) checkFlattenedHeader(this.#head, this.#name);
    else this.#beginRecord();
    this.#wanted = RECORD_HEAD_SIZE;
    this.#gathered = 0;
  }

  #beginRecord(): void {
    const view = new DataView(this.#head.buffer);
    const record = decodeRecordHead(view, this.#name, this.#consumed - RECORD_HEAD_SIZE);
    if (!record) {
      this.#isComplete = true;
      return;
    }
    this.#records++;
    this.#position = record.offset;
    this.#rest = record.size;
  }
}
