// Kernel virtual memory made of a few pieces, and VMCOREINFO to go with it.
import { hex, isVmcoreError, VmcoreError } from '../../../lib/errors.ts';
import type { LogMemory } from '../../../lib/kernel/printk/dmesg.ts';
import { Vmcoreinfo } from '../../../lib/kernel/vmcoreinfo.ts';

export interface Piece {
  vaddr: bigint;
  bytes: Uint8Array;
}

export class FakeMemory implements LogMemory {
  readonly littleEndian: boolean;
  /** How many reads there were. */
  reads = 0;
  readonly #pieces: Piece[] = [];
  readonly #holes: { from: bigint; to: bigint }[] = [];

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  /** Makes `length` bytes of zeros readable at `vaddr`, to be written through the view. */
  add(vaddr: bigint, length: number): DataView {
    const bytes = new Uint8Array(length);
    this.#pieces.push({ vaddr, bytes });
    return new DataView(bytes.buffer);
  }

  /** What is there, in the order in which it was added. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** Makes a range unreadable again. */
  hole(vaddr: bigint, length: number): void {
    this.#holes.push({ from: vaddr, to: vaddr + BigInt(length) });
  }

  read(vaddr: bigint, into: Uint8Array): Uint8Array {
    this.reads++;
    const end = vaddr + BigInt(into.length);
    const piece = this.#pieces.find((p) => vaddr >= p.vaddr && end <= p.vaddr + BigInt(p.bytes.length));
    const inHole = this.#holes.some(({ from, to }) => vaddr < to && end > from);
    if (!piece || inHole) {
      throw new VmcoreError('ERR_VMCORE_NOT_PRESENT', `nothing at ${hex(vaddr)}`, { address: vaddr });
    }
    const start = Number(vaddr - piece.vaddr);
    into.set(piece.bytes.subarray(start, start + into.length));
    return into;
  }

  u32(vaddr: bigint): number {
    return new DataView(this.read(vaddr, new Uint8Array(4)).buffer).getUint32(0, this.littleEndian);
  }

  u64(vaddr: bigint): bigint {
    return new DataView(this.read(vaddr, new Uint8Array(8)).buffer).getBigUint64(0, this.littleEndian);
  }
}

/** VMCOREINFO with these lines; symbols are given as addresses. */
export function vmcoreinfo(lines: Record<string, number | bigint | string>): Vmcoreinfo {
  const all: typeof lines = { OSRELEASE: '6.1.0', PAGESIZE: 4096, ...lines };
  const text = Object.entries(all).map(([key, value]) => {
    return `${key}=${typeof value === 'bigint' ? value.toString(16) : value}\n`;
  });
  return new Vmcoreinfo(text.join(''));
}

/** Runs a reader over hostile memory: it may refuse, with a coded error, and nothing else. */
export function refusesOrReturns(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isVmcoreError(error)) throw error;
  }
}

export const utf8 = (text: string) => new TextEncoder().encode(text);

/** A test for both byte orders. */
export const byteOrders = [
  { name: 'little-endian', littleEndian: true },
  { name: 'big-endian', littleEndian: false },
];
