// A printk ring buffer as kernel/printk/printk_ringbuffer.c leaves it, written message by message.
import type { Vmcoreinfo } from '../../../lib/kernel/vmcoreinfo.ts';
import { FakeMemory, utf8, vmcoreinfo } from './fake-memory.ts';

export interface RingOptions {
  littleEndian: boolean;
  word?: 4 | 8;
  countBits?: number;
  sizeBits?: number;
  /** Blocks may end exactly at the end of the ring, as kernels since 2025 allow. */
  exactFit?: boolean;
  /** clear_seq in two copies, as kernels since 5.13 have it. */
  latched?: boolean;
}

export interface Message {
  text: string | Uint8Array;
  timestamp?: bigint;
  facility?: number;
  level?: number;
  flags?: number;
  callerId?: number;
  subsystem?: string;
  device?: string;
  /** enum desc_state: 0 reserved, 1 committed, 2 finalized, 3 reusable. */
  state?: number;
}

const prbVar = 0xffffffff81000000n;
export const ringAddresses = {
  prb: 0xffffffff81000100n,
  clear: 0xffffffff81000200n,
  descs: 0xffffffff82000ff0n,
  infos: 0xffffffff83000100n,
  data: 0xffffffff84000000n,
};
const infoSize = 88;

/** Sizes and offsets, from the size of a word; on 64-bit machines these are the ones of 6.x. */
function layoutOf(word: number) {
  return {
    desc: 3 * word,
    lpos: 2 * word,
    descRing: 6 * word,
    dataRing: 4 * word,
    ringbuffer: 11 * word,
    textDataRing: 6 * word,
  };
}

export class RingWriter {
  readonly memory: FakeMemory;
  readonly word: 4 | 8;
  readonly descs: DataView;
  readonly infos: DataView;
  readonly data: DataView;
  readonly header: DataView;
  readonly clear: DataView;
  readonly count: number;
  readonly size: number;
  /** The block of each message, for tests that damage it. */
  readonly blocks: { id: bigint; begin: bigint; next: bigint; offset: number }[] = [];
  readonly #options: RingOptions;
  readonly #le: boolean;
  readonly #bits: number;
  #headLpos: bigint;
  #tail = 0;

  constructor(options: RingOptions) {
    const { littleEndian, word = 8, countBits = 5, sizeBits = 10 } = options;
    this.#options = options;
    this.#le = littleEndian;
    this.#bits = word * 8;
    this.word = word;
    this.count = 2 ** countBits;
    this.size = 2 ** sizeBits;
    this.memory = new FakeMemory(littleEndian);
    // BLK0_LPOS: positions start one round before they overflow.
    this.#headLpos = BigInt.asUintN(this.#bits, -BigInt(this.size));
    this.descs = this.memory.add(this.#address(ringAddresses.descs), this.count * layoutOf(word).desc);
    this.infos = this.memory.add(this.#address(ringAddresses.infos), this.count * infoSize);
    this.data = this.memory.add(this.#address(ringAddresses.data), this.size);
    this.clear = this.memory.add(this.#address(ringAddresses.clear), 24);
    this.header = this.memory.add(this.#address(ringAddresses.prb), layoutOf(word).ringbuffer);
    this.putWord(this.memory.add(this.#address(prbVar), word), 0, this.#address(ringAddresses.prb));
    this.#writeHeader(countBits, sizeBits);
  }

  add(message: Message): this {
    const seq = this.blocks.length;
    const id = BigInt.asUintN(this.#bits - 2, BigInt(seq - this.count));
    const text = typeof message.text === 'string' ? utf8(message.text) : message.text;
    const block = text.length === 0 ? { begin: 3n, next: 3n, offset: 0 } : this.#allocate(id, text);
    this.blocks.push({ id, ...block });
    this.#writeDescriptor(seq % this.count, this.#stateVar(message.state ?? 2, id), block);
    this.#writeInfo(seq, text.length, message);
    while (seq - this.#tail >= this.count || this.#overwritten(this.#tail)) this.#tail++;
    this.#writeIds();
    return this;
  }

  /** Sets clear_seq; the copy that is not in use says something else. */
  setClearSeq(seq: bigint): this {
    if (!this.#options.latched) this.clear.setBigUint64(0, seq, this.#le);
    else {
      this.clear.setUint32(0, 7, this.#le);
      this.clear.setBigUint64(8, 12345n, this.#le);
      this.clear.setBigUint64(16, seq, this.#le);
    }
    return this;
  }

  putWord(view: DataView, offset: number, value: bigint): void {
    if (this.word === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), this.#le);
    else view.setUint32(offset, Number(BigInt.asUintN(32, value)), this.#le);
  }

  info(): Vmcoreinfo {
    const { word } = this;
    const layout = layoutOf(word);
    return vmcoreinfo({
      'SYMBOL(prb)': this.#address(prbVar),
      'SYMBOL(clear_seq)': this.#address(ringAddresses.clear),
      'SIZE(printk_ringbuffer)': layout.ringbuffer,
      'OFFSET(printk_ringbuffer.desc_ring)': 0,
      'OFFSET(printk_ringbuffer.text_data_ring)': layout.textDataRing,
      'SIZE(prb_desc_ring)': layout.descRing,
      'OFFSET(prb_desc_ring.count_bits)': 0,
      'OFFSET(prb_desc_ring.descs)': word,
      'OFFSET(prb_desc_ring.infos)': 2 * word,
      'OFFSET(prb_desc_ring.head_id)': 3 * word,
      'OFFSET(prb_desc_ring.tail_id)': 4 * word,
      'SIZE(prb_desc)': layout.desc,
      'OFFSET(prb_desc.state_var)': 0,
      'OFFSET(prb_desc.text_blk_lpos)': word,
      'SIZE(prb_data_blk_lpos)': layout.lpos,
      'OFFSET(prb_data_blk_lpos.begin)': 0,
      'OFFSET(prb_data_blk_lpos.next)': word,
      'SIZE(prb_data_ring)': layout.dataRing,
      'OFFSET(prb_data_ring.size_bits)': 0,
      'OFFSET(prb_data_ring.data)': word,
      'SIZE(printk_info)': infoSize,
      'OFFSET(printk_info.seq)': 0,
      'OFFSET(printk_info.ts_nsec)': 8,
      'OFFSET(printk_info.text_len)': 16,
      'OFFSET(printk_info.caller_id)': 20,
      'OFFSET(printk_info.dev_info)': 24,
      'SIZE(dev_printk_info)': 64,
      'OFFSET(dev_printk_info.subsystem)': 0,
      'OFFSET(dev_printk_info.device)': 16,
      'SIZE(atomic_long_t)': word,
      'OFFSET(atomic_long_t.counter)': 0,
      ...(this.#options.latched ? { 'SIZE(latched_seq)': 24, 'OFFSET(latched_seq.val)': 8 } : {}),
    });
  }

  /** Addresses of 32-bit machines have no upper half. */
  #address(vaddr: bigint): bigint {
    return BigInt.asUintN(this.#bits, vaddr);
  }

  #stateVar(state: number, id: bigint): bigint {
    return (BigInt(state) << BigInt(this.#bits - 2)) | BigInt.asUintN(this.#bits - 2, id);
  }

  #round(lpos: bigint): bigint {
    return BigInt.asUintN(this.#bits, lpos) / BigInt(this.size);
  }

  #allocate(id: bigint, text: Uint8Array): { begin: bigint; next: bigint; offset: number } {
    const length = this.word * Math.ceil((this.word + text.length) / this.word);
    const begin = this.#headLpos;
    const end = begin + BigInt(length);
    const wraps = this.#round(begin) !== this.#round(end - (this.#options.exactFit ? 1n : 0n));
    const next = BigInt.asUintN(
      this.#bits,
      wraps ? (end / BigInt(this.size)) * BigInt(this.size) + BigInt(length) : end,
    );
    const place = Number(begin % BigInt(this.size));
    const offset = wraps ? 0 : place;
    this.putWord(this.data, place, id);
    this.putWord(this.data, offset, id);
    new Uint8Array(this.data.buffer).set(text, offset + this.word);
    this.#headLpos = next;
    return { begin, next, offset };
  }

  #overwritten(seq: number): boolean {
    const { begin, next } = this.blocks[seq]!;
    return begin !== next && BigInt.asUintN(this.#bits, this.#headLpos - begin) > BigInt(this.size);
  }

  #writeDescriptor(index: number, stateVar: bigint, { begin, next }: { begin: bigint; next: bigint }): void {
    const at = index * layoutOf(this.word).desc;
    this.putWord(this.descs, at, stateVar);
    this.putWord(this.descs, at + this.word, begin);
    this.putWord(this.descs, at + 2 * this.word, next);
  }

  #writeInfo(seq: number, textLength: number, message: Message): void {
    const at = (seq % this.count) * infoSize;
    const { flags = 2, level = 6 } = message;
    new Uint8Array(this.infos.buffer, at, infoSize).fill(0);
    this.infos.setBigUint64(at, BigInt(seq), this.#le);
    this.infos.setBigUint64(at + 8, message.timestamp ?? BigInt(seq) * 1_000_000n, this.#le);
    this.infos.setUint16(at + 16, textLength, this.#le);
    this.infos.setUint8(at + 18, message.facility ?? 0);
    this.infos.setUint8(at + 19, this.#le ? flags | (level << 5) : (flags << 3) | level);
    this.infos.setUint32(at + 20, message.callerId ?? 1, this.#le);
    new Uint8Array(this.infos.buffer, at + 24, 16).set(utf8(message.subsystem ?? ''));
    new Uint8Array(this.infos.buffer, at + 40, 48).set(utf8(message.device ?? ''));
  }

  #writeHeader(countBits: number, sizeBits: number): void {
    const { word } = this;
    const data = layoutOf(word).textDataRing;
    this.header.setUint32(0, countBits, this.#le);
    this.putWord(this.header, word, this.#address(ringAddresses.descs));
    this.putWord(this.header, 2 * word, this.#address(ringAddresses.infos));
    this.header.setUint32(data, sizeBits, this.#le);
    this.putWord(this.header, data + word, this.#address(ringAddresses.data));
    // DESC0_ID: the last descriptor, which no message uses before the first round is over.
    const first = BigInt.asUintN(this.#bits - 2, -BigInt(this.count + 1));
    this.putWord(this.header, 3 * word, first);
    this.putWord(this.header, 4 * word, first);
    this.putWord(this.descs, (this.count - 1) * layoutOf(word).desc, this.#stateVar(3, first));
  }

  #writeIds(): void {
    this.putWord(this.header, 3 * this.word, this.blocks.at(-1)!.id);
    this.putWord(this.header, 4 * this.word, this.blocks[this.#tail]!.id);
  }
}
