import { VmcoreError } from '../../errors.ts';
import type { Vmcoreinfo } from '../vmcoreinfo.ts';
import type { LogMemory } from './log-memory.ts';

/** Bytes of an `unsigned long` of the dead kernel. */
export type WordBytes = 4 | 8;

/** No structure of the log comes near it. */
const STRUCT_LIMIT = 4096;

/** The size and members of one kernel structure, from VMCOREINFO. Members are checked to lie inside it. */
export class StructLayout {
  readonly name: string;
  readonly size: number;
  readonly #info: Vmcoreinfo;

  /** @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO when its size is not exported. */
  constructor(info: Vmcoreinfo, name: string) {
    this.#info = info;
    this.name = name;
    this.size = required(info.size(name), `SIZE(${name})`);
    if (this.size === 0 || this.size > STRUCT_LIMIT) {
      throw new VmcoreError('ERR_VMCORE_CORRUPT', `VMCOREINFO: SIZE(${name}) is ${this.size}`);
    }
  }

  /** The offset of a member that takes `bytes`. @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO when not exported. */
  member(name: string, bytes: number): number {
    return required(this.optional(name, bytes), `OFFSET(${this.name}.${name})`);
  }

  /** The same for a member that some kernels do not export. */
  optional(name: string, bytes: number): number | undefined {
    const offset = this.#info.offset(`${this.name}.${name}`);
    if (offset !== undefined && offset + bytes > this.size) {
      const message = `VMCOREINFO: ${this.name}.${name} at ${offset} is outside of its ${this.size} bytes`;
      throw new VmcoreError('ERR_VMCORE_CORRUPT', message);
    }
    return offset;
  }
}

/** @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO when the symbol is not exported. */
export function symbol(info: Vmcoreinfo, name: string): bigint {
  return required(info.symbol(name), `SYMBOL(${name})`);
}

/** atomic_long_t holds one word, a list_head two pointers; every kernel exports the latter. */
export function wordBytes(info: Vmcoreinfo): WordBytes {
  const size = info.size('atomic_long_t') ?? (info.size('list_head') ?? 16) / 2;
  if (size !== 4 && size !== 8)
    throw new VmcoreError('ERR_VMCORE_CORRUPT', `VMCOREINFO: words of ${size} bytes`);
  return size;
}

export function readWord(memory: LogMemory, vaddr: bigint, word: WordBytes): bigint {
  return word === 8 ? memory.u64(vaddr) : BigInt(memory.u32(vaddr));
}

/** Log buffers are: the kernel rounds the sizes that it is given (log_buf_len_update(), kernel/printk/printk.c). */
export function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

function required<T>(value: T | undefined, key: string): T {
  if (value === undefined) throw new VmcoreError('ERR_VMCORE_NO_VMCOREINFO', `VMCOREINFO has no ${key}`);
  return value;
}
