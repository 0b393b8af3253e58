import type { AddressSpace } from '../arch/arch.ts';
import { hex, VmcoreError } from '../errors.ts';
import type { PhysicalMemory } from './physical.ts';

/** Longest C string that is read when the caller names no limit, in bytes. */
const CSTRING_LIMIT = 4096;
/** Most strings are shorter than what is read of them at a time, in bytes. */
const CSTRING_STEP = 256;
const VADDR_END = 1n << 64n;

/**
 * Kernel virtual memory: reads that are translated page by page and may cross pages that lie apart. Integers are in
 * the byte order of the dead machine.
 */
export class VirtualMemory {
  readonly littleEndian: boolean;
  readonly addressSpace: AddressSpace;
  readonly #physical: PhysicalMemory;
  readonly #word = new Uint8Array(8);
  readonly #view = new DataView(this.#word.buffer);

  constructor(physical: PhysicalMemory, space: AddressSpace, littleEndian: boolean) {
    this.#physical = physical;
    this.addressSpace = space;
    this.littleEndian = littleEndian;
  }

  /** The physical address in bytes. @throws VmcoreError ERR_VMCORE_UNMAPPED naming the level where the walk ended. */
  translate(vaddr: bigint): number {
    return this.addressSpace.translate(vaddr).paddr;
  }

  /** Fills `into` with the bytes from `vaddr` on. @throws VmcoreError ERR_VMCORE_UNMAPPED, ERR_VMCORE_NOT_PRESENT. */
  read(vaddr: bigint, into: Uint8Array): Uint8Array {
    if (vaddr < 0n || vaddr + BigInt(into.length) > VADDR_END) {
      throw new VmcoreError(
        'ERR_VMCORE_ARGUMENT',
        `${hex(vaddr)} + ${into.length} bytes is no 64-bit address range`,
        {
          address: vaddr,
        },
      );
    }
    for (let done = 0; done < into.length; ) {
      const { paddr, contiguous } = this.addressSpace.translate(vaddr + BigInt(done));
      const length = Math.min(into.length - done, contiguous);
      this.#physical.read(paddr, into.subarray(done, done + length));
      done += length;
    }
    return into;
  }

  /** A copy of `length` bytes. */
  bytes(vaddr: bigint, length: number): Uint8Array {
    return this.read(vaddr, new Uint8Array(length));
  }

  u8(vaddr: bigint): number {
    return this.#fetch(vaddr, 1).getUint8(0);
  }

  u16(vaddr: bigint): number {
    return this.#fetch(vaddr, 2).getUint16(0, this.littleEndian);
  }

  u32(vaddr: bigint): number {
    return this.#fetch(vaddr, 4).getUint32(0, this.littleEndian);
  }

  u64(vaddr: bigint): bigint {
    return this.#fetch(vaddr, 8).getBigUint64(0, this.littleEndian);
  }

  /** The string that ends before the first NUL, or after `limit` bytes; bytes that are no UTF-8 become U+FFFD. */
  cstring(vaddr: bigint, limit = CSTRING_LIMIT): string {
    const bytes = new Uint8Array(limit);
    let length = 0;
    while (length < limit) {
      const { paddr, contiguous } = this.addressSpace.translate(vaddr + BigInt(length));
      // What lies behind the string may be missing, so no read goes further than memory does.
      const readable = Math.min(contiguous, this.#physical.contiguous(paddr), CSTRING_STEP);
      const part = bytes.subarray(length, Math.min(limit, length + readable));
      this.#physical.read(paddr, part);
      const nul = part.indexOf(0);
      if (nul >= 0) return decoder.decode(bytes.subarray(0, length + nul));
      length += part.length;
    }
    return decoder.decode(bytes);
  }

  #fetch(vaddr: bigint, length: number): DataView {
    this.read(vaddr, this.#word.subarray(0, length));
    return this.#view;
  }
}

const decoder = new TextDecoder();
