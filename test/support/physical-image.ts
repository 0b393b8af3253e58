// Physical memory of a synthetic machine, and who has which page of it.

export const PAGE = 4096;

export class PhysicalImage {
  /** Physical address of the first byte. */
  readonly base: number;
  readonly bytes: Buffer;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  /** What is allocated lies above, so that low page frames stay for the test. */
  #top: number;

  constructor(pages: number, base = 0, littleEndian = true) {
    this.base = base;
    this.bytes = Buffer.alloc(pages * PAGE);
    this.littleEndian = littleEndian;
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
    this.#top = base + pages * PAGE;
  }

  /** The lowest physical address that is in use. */
  get top(): number {
    return this.#top;
  }

  /** The physical address of that many bytes of zeros. */
  allocate(length: number, align = PAGE): number {
    this.#top = Math.floor((this.#top - length) / align) * align;
    if (this.#top < this.base) throw new Error('the synthetic machine has too little memory');
    return this.#top;
  }

  write(paddr: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, paddr - this.base);
  }

  setU64(paddr: number, value: bigint): void {
    this.#view.setBigUint64(paddr - this.base, BigInt.asUintN(64, value), this.littleEndian);
  }

  u64(paddr: number): bigint {
    return this.#view.getBigUint64(paddr - this.base, this.littleEndian);
  }
}
