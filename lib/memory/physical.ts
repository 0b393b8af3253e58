import type { ByteSource } from '../access/byte-source.ts';
import { type CopiedRanges, isCopied } from '../access/copied-ranges.ts';
import { codeOf } from '../access/file-source.ts';
import { type MapBorders, stretchAround } from '../access/map-borders.ts';
import { faultError, type Region, WINDOW_BYTES } from '../access/region.ts';
import { type AccessPolicy, type SlotOptions, Slots } from '../access/slots.ts';
import { hex, isVmcoreError, VmcoreError } from '../errors.ts';
import { type Extents, findExtent } from '../formats/extents.ts';

/** Maps begin at multiples of this: the largest page of a host that Linux runs on (arm64). In bytes. */
const MAP_GRID = 65536;

/** Physical memory of the core. */
export class PhysicalMemory {
  readonly extents: Extents;
  readonly littleEndian: boolean;
  readonly slots: Slots;
  readonly #name: string;
  readonly #source: ByteSource;
  readonly #policy: AccessPolicy;
  readonly #borders: MapBorders | undefined;
  readonly #copied: CopiedRanges | undefined;
  readonly #excluded: 'error' | 'zeros';
  readonly #word = new Uint8Array(8);
  readonly #view = new DataView(this.#word.buffer);

  /** `excluded`: what memory without data in the file reads as. */
  constructor(
    source: ByteSource,
    extents: Extents,
    littleEndian: boolean,
    slots: SlotOptions,
    excluded: 'error' | 'zeros' = 'zeros',
  ) {
    this.#excluded = excluded;
    this.extents = extents;
    this.littleEndian = littleEndian;
    this.slots = new Slots(source, slots);
    this.#name = source.name;
    this.#source = source;
    this.#policy = slots.policy;
    this.#borders = slots.borders;
    this.#copied = slots.copied;
  }

  /**
   * Fills `into` with the bytes from physical address `paddr` on.
   * @throws VmcoreError ERR_VMCORE_NOT_PRESENT for the first byte that the core does not hold, ERR_VMCORE_EXCLUDED for
   *   the first one without data, ERR_VMCORE_IO, ERR_VMCORE_CORRUPT.
   */
  read(paddr: number, into: Uint8Array): Uint8Array {
    const { start, end, offset, count } = this.extents;
    let index = findExtent(this.extents, paddr);
    for (let done = 0; done < into.length; index++) {
      const at = paddr + done;
      if (index >= count || start[index]! > at) throw this.#notPresent(at);
      const length = Math.min(into.length - done, end[index]! - at);
      const part = into.subarray(done, done + length);
      if (offset[index]! < 0) this.#fillExcluded(at, part);
      else this.slots.read(offset[index]! + (at - start[index]!), part);
      done += length;
    }
    return into;
  }

  /**
   * How many bytes from `paddr` on lie in one extent.
   * @throws VmcoreError ERR_VMCORE_NOT_PRESENT
   */
  contiguous(paddr: number): number {
    const { start, end, count } = this.extents;
    const index = findExtent(this.extents, paddr);
    if (index >= count || start[index]! > paddr) throw this.#notPresent(paddr);
    return end[index]! - paddr;
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

  /**
   * Lends `use` the bytes of [paddr, paddr + length) without a copy where they lie together in a mapping; else it lends
   * a copy. They must not be written to, and are gone when `use` returns. `length` is at most {@link WINDOW_BYTES}.
   * @throws VmcoreError ERR_VMCORE_FAULT when `use` met bytes that could not be read, and what read() throws.
   */
  withWindow<T>(paddr: number, length: number, use: (bytes: Uint8Array) => T): T {
    const region = this.#mapAlone(paddr, length);
    if (!region) return use(this.read(paddr, new Uint8Array(length)));
    try {
      const window = region.window(region.start);
      const at = window.bytes.length - length;
      const result = use(window.bytes.subarray(at));
      region.check();
      this.#source.checkLength(region.end);
      return result;
    } catch (error) {
      // A write of lost bytes to a file or socket is refused, without a SIGBUS.
      if (codeOf(error) === 'EFAULT') throw faultError(this.#name, region, error);
      throw error;
    } finally {
      region.release();
    }
  }

  /** The 64-bit word at `paddr`: a page-table entry. */
  u64(paddr: number): bigint {
    this.read(paddr, this.#word);
    return this.#view.getBigUint64(0, this.littleEndian);
  }

  /** A region that ends where the range does, if the range has data in one extent and fits a window. */
  #mapAlone(paddr: number, length: number): Region | undefined {
    const { start, end, offset, count } = this.extents;
    const index = findExtent(this.extents, paddr);
    const inside =
      index < count && start[index]! <= paddr && end[index]! >= paddr + length && offset[index]! >= 0;
    if (!inside || length === 0 || this.#policy === 'read') return undefined;
    const position = offset[index]! + (paddr - start[index]!);
    if (isCopied(this.#copied, position)) return undefined;
    const stretch = stretchAround(this.#borders, position);
    const skew = Math.min(position % MAP_GRID, position - stretch.start);
    if (length + skew > WINDOW_BYTES || position + length > stretch.end) return undefined;
    try {
      return this.#source.map(position - skew, length + skew);
    } catch (error) {
      if (isVmcoreError(error, 'ERR_VMCORE_IO')) return undefined;
      throw error;
    }
  }

  #fillExcluded(paddr: number, into: Uint8Array): void {
    if (this.#excluded === 'error') {
      const what = `physical address ${hex(paddr)} was left out when the dump was written`;
      throw new VmcoreError('ERR_VMCORE_EXCLUDED', `${this.#name}: ${what}`, {
        file: this.#name,
        address: paddr,
      });
    }
    into.fill(0);
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
