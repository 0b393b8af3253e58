import type { ByteSource } from '../access/byte-source.ts';
import { type SlotOptions, Slots } from '../access/slots.ts';
import { hex, VmcoreError } from '../errors.ts';
import { type Extents, findExtent } from '../formats/extents.ts';

/** Physical memory of the core. Memory that existed and has no data in the file reads as zeros. */
export class PhysicalMemory {
  readonly extents: Extents;
  readonly littleEndian: boolean;
  readonly slots: Slots;
  readonly #name: string;
  readonly #word = new Uint8Array(8);
  readonly #view = new DataView(this.#word.buffer);

  constructor(source: ByteSource, extents: Extents, littleEndian: boolean, slots: SlotOptions) {
    this.extents = extents;
    this.littleEndian = littleEndian;
    this.slots = new Slots(source, slots);
    this.#name = source.name;
  }

  /**
   * Fills `into` with the bytes from physical address `paddr` on.
   * @throws VmcoreError ERR_VMCORE_NOT_PRESENT for the first byte that the core does not hold, ERR_VMCORE_IO.
   */
  read(paddr: number, into: Uint8Array): Uint8Array {
    const { start, end, offset, count } = this.extents;
    let index = findExtent(this.extents, paddr);
    for (let done = 0; done < into.length; index++) {
      const at = paddr + done;
      if (index >= count || start[index]! > at) throw this.#notPresent(at);
      const length = Math.min(into.length - done, end[index]! - at);
      const part = into.subarray(done, done + length);
      if (offset[index]! < 0) part.fill(0);
      else this.slots.read(offset[index]! + (at - start[index]!), part);
      done += length;
    }
    return into;
  }

  /**
   * Fills a page of which the core may hold only part: the rest becomes zeros.
   * @throws VmcoreError ERR_VMCORE_NOT_PRESENT when it holds none of it.
   */
  readPage(paddr: number, into: Uint8Array): Uint8Array {
    const { start, end, count } = this.extents;
    const limit = paddr + into.length;
    let index = findExtent(this.extents, paddr);
    if (index >= count || start[index]! >= limit) throw this.#notPresent(paddr);
    into.fill(0);
    for (; index < count && start[index]! < limit; index++) {
      const from = Math.max(start[index]!, paddr);
      const to = Math.min(end[index]!, limit);
      this.read(from, into.subarray(from - paddr, to - paddr));
    }
    return into;
  }

  /** The 64-bit word at `paddr`: a page-table entry. */
  u64(paddr: number): bigint {
    this.read(paddr, this.#word);
    return this.#view.getBigUint64(0, this.littleEndian);
  }

  #notPresent(paddr: number): VmcoreError {
    return new VmcoreError(
      'ERR_VMCORE_NOT_PRESENT',
      `${this.#name}: physical address ${hex(paddr)} is not in the core`,
      {
        file: this.#name,
        address: paddr,
      },
    );
  }
}
