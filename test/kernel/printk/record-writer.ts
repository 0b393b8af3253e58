import type { Vmcoreinfo } from '../../../lib/kernel/vmcoreinfo.ts';
import { FakeMemory, utf8, vmcoreinfo } from './fake-memory.ts';

export const variables = 0xffffffff81000000n;
export const buffer = 0xffff888000000100n;

interface Message {
  text: string;
  dictionary?: string;
  callerId?: number;
}

/** A record log as kernel/printk/printk.c of 3.5 to 5.9 leaves it, written message by message. */
export class RecordWriter {
  readonly memory: FakeMemory;
  readonly log: DataView;
  readonly indices: number[] = [];
  readonly #le: boolean;
  readonly #variables: DataView;
  readonly #headerSize: number;
  #first = 0;
  #next = 0;

  constructor(littleEndian: boolean, { length = 512, caller = false } = {}) {
    this.#le = littleEndian;
    this.#headerSize = caller ? 20 : 16;
    this.memory = new FakeMemory(littleEndian);
    this.log = this.memory.add(buffer, length);
    this.#variables = this.memory.add(variables, 64);
    this.#variables.setBigUint64(0, buffer, littleEndian);
    this.setLength(length);
  }

  setLength(length: number): void {
    this.#variables.setUint32(8, length, this.#le);
  }

  setIndices(first: number, next: number): void {
    this.#first = first;
    this.#next = next;
    this.#variables.setUint32(16, first, this.#le);
    this.#variables.setUint32(24, next, this.#le);
  }

  setClearIndex(index: number): void {
    this.#variables.setUint32(32, index, this.#le);
  }

  get next(): number {
    return this.#next;
  }

  add({ text, dictionary = '', callerId = 0 }: Message): this {
    const body = Buffer.concat([utf8(text), utf8(dictionary)]);
    const length = 4 * Math.ceil((this.#headerSize + body.length) / 4);
    this.#makeRoom(length);
    if (this.#next + length + this.#headerSize > this.log.byteLength) {
      new Uint8Array(this.log.buffer, this.#next, this.#headerSize).fill(0);
      this.#next = 0;
    }
    const at = this.#next;
    this.log.setBigUint64(at, BigInt(this.indices.length) * 1_000_000n, this.#le);
    this.log.setUint16(at + 8, length, this.#le);
    this.log.setUint16(at + 10, utf8(text).length, this.#le);
    this.log.setUint16(at + 12, utf8(dictionary).length, this.#le);
    this.log.setUint8(at + 14, 1);
    this.log.setUint8(at + 15, this.#le ? 2 | (4 << 5) : (2 << 3) | 4);
    if (this.#headerSize === 20) this.log.setUint32(at + 16, callerId, this.#le);
    new Uint8Array(this.log.buffer).set(body, at + this.#headerSize);
    this.indices.push(at);
    this.setIndices(this.#first, at + length);
    return this;
  }

  /** Drops the oldest records until the next one fits, with room for the header that ends a round. */
  #makeRoom(length: number): void {
    while (this.indices.length > 0 && this.#free() < length + this.#headerSize) {
      this.#first += this.log.getUint16(this.#first + 8, this.#le);
      if (this.log.getUint16(this.#first + 8, this.#le) === 0) this.#first = 0;
    }
  }

  #free(): number {
    const wrapped = this.#first >= this.#next;
    return wrapped ? this.#first - this.#next : Math.max(this.log.byteLength - this.#next, this.#first);
  }

  info(name = 'printk_log'): Vmcoreinfo {
    return vmcoreinfo({
      OSRELEASE: '4.19.0',
      'SYMBOL(log_buf)': variables,
      'SYMBOL(log_buf_len)': variables + 8n,
      'SYMBOL(log_first_idx)': variables + 16n,
      'SYMBOL(log_next_idx)': variables + 24n,
      'SYMBOL(clear_idx)': variables + 32n,
      [`SIZE(${name})`]: this.#headerSize,
      [`OFFSET(${name}.ts_nsec)`]: 0,
      [`OFFSET(${name}.len)`]: 8,
      [`OFFSET(${name}.text_len)`]: 10,
      [`OFFSET(${name}.dict_len)`]: 12,
      ...(this.#headerSize === 20 ? { [`OFFSET(${name}.caller_id)`]: 16 } : {}),
      'SIZE(list_head)': 16,
    });
  }
}
