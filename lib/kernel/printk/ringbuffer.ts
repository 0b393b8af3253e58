import type { Vmcoreinfo } from '../vmcoreinfo.ts';
import { StructLayout, symbol, type WordBytes, wordBytes } from './layout.ts';
import { LogArea, type LogMemory } from './log-memory.ts';
import { type LogReading, RECORD_LIMIT } from './log-reading.ts';
import { decodeText, type LogRecord, parseCaller, parseFlagsAndLevel } from './log-record.ts';
import {
  DEVICE_BYTES,
  type DescLayout,
  descLayout,
  getWord,
  type InfoLayout,
  infoLayout,
  RingHeader,
  SUBSYSTEM_BYTES,
} from './ring-layout.ts';

/** enum desc_state: the two top bits of state_var (kernel/printk/printk_ringbuffer.h). */
const DESC_COMMITTED = 1;
const DESC_FINALIZED = 2;
const DESC_REUSABLE = 3;

/** The begin and next of an empty message, which has no data block: NO_LPOS, later EMPTY_LINE_LPOS (same file). */
const EMPTY_LINE_LPOS = 3n;

/** The log of 5.10 and later: rings of descriptors, their infos and their text (kernel/printk/printk_ringbuffer.c). */
export function readRingbuffer(
  memory: LogMemory,
  info: Vmcoreinfo,
  reading: LogReading,
  sinceClear: boolean,
): void {
  const ring = new Ring(memory, info);
  const clearSeq = sinceClear ? readClearSeq(memory, info) : 0n;
  const held = ring.held();
  const count = Math.min(held, RECORD_LIMIT);
  reading.lose(held - count);
  for (let age = count - 1; age >= 0; age--) {
    const record = ring.readRecord(age, clearSeq);
    if (record === 'lost') reading.lose();
    else if (record !== 'nothing') reading.add(record);
  }
}

/** Where a message's text lies in the text ring, as ever-growing positions. */
interface TextBlock {
  readonly begin: bigint;
  readonly next: bigint;
}

class Ring {
  readonly #idMask: bigint;
  readonly #word: WordBytes;
  readonly #littleEndian: boolean;
  readonly #desc: DescLayout;
  readonly #info: InfoLayout;
  readonly #descs: LogArea;
  readonly #infos: LogArea;
  readonly #text: LogArea;
  readonly #count: number;
  readonly #headId: bigint;
  readonly #tailId: bigint;
  readonly #sizeBits: bigint;
  /** Data blocks do not overlap: together they are no longer than the ring. */
  #unclaimedText: number;

  constructor(memory: LogMemory, info: Vmcoreinfo) {
    const word = wordBytes(info);
    const header = new RingHeader(memory, info, word);
    this.#idMask = (1n << BigInt(word * 8 - 2)) - 1n;
    this.#word = word;
    this.#littleEndian = memory.littleEndian;
    this.#desc = descLayout(info, word);
    this.#info = infoLayout(info);
    this.#count = 2 ** header.countBits;
    this.#descs = new LogArea(memory, header.descs, this.#count * this.#desc.size);
    this.#infos = new LogArea(memory, header.infos, this.#count * this.#info.size);
    this.#text = new LogArea(memory, header.data, 2 ** header.sizeBits);
    this.#headId = header.headId & this.#idMask;
    this.#tailId = header.tailId & this.#idMask;
    this.#sizeBits = BigInt(header.sizeBits);
    this.#unclaimedText = this.#text.length;
  }

  /** How many descriptors there are from the tail's to the head's: never more than the ring holds. */
  held(): number {
    const distance = (this.#headId - this.#tailId) & this.#idMask;
    return distance < BigInt(this.#count) ? Number(distance) + 1 : this.#count;
  }

  /**
   * The message whose descriptor is `age` behind the head. Nothing is there when the descriptor was never used, or
   * the log was cleared since.
   */
  readRecord(age: number, clearSeq: bigint): LogRecord | 'lost' | 'nothing' {
    const id = (this.#headId - BigInt(age)) & this.#idMask;
    const index = Number(id & BigInt(this.#count - 1));
    const block = this.#readDescriptor(id, index);
    if (block === 'unused') return 'nothing';
    const view = block && this.#infos.view(index * this.#info.size, this.#info.size);
    if (!view) return 'lost';
    const seq = view.getBigUint64(this.#info.seq, this.#littleEndian);
    if (seq < clearSeq) return 'nothing';
    const raw = this.#readText(id, block, view.getUint16(this.#info.textLen, this.#littleEndian));
    if (!raw || seq > Number.MAX_SAFE_INTEGER) return 'lost';
    return this.#makeRecord(view, Number(seq), raw);
  }

  /** Undefined when it is unreadable, of another id, or its message was not complete when the kernel died. */
  #readDescriptor(id: bigint, index: number): TextBlock | 'unused' | undefined {
    const view = this.#descs.view(index * this.#desc.size, this.#desc.size);
    if (!view) return undefined;
    const stateVar = this.#getWord(view, this.#desc.stateVar);
    if ((stateVar & this.#idMask) !== id) return undefined;
    const state = Number(stateVar >> BigInt(this.#word * 8 - 2));
    if (state === DESC_REUSABLE) return 'unused';
    if (state !== DESC_COMMITTED && state !== DESC_FINALIZED) return undefined;
    return { begin: this.#getWord(view, this.#desc.begin), next: this.#getWord(view, this.#desc.next) };
  }

  /** Undefined when the text is unreadable or has been overwritten. */
  #readText(id: bigint, block: TextBlock, textLen: number): Uint8Array | undefined {
    if (block.begin === EMPTY_LINE_LPOS && block.next === EMPTY_LINE_LPOS) return new Uint8Array(0);
    const place = this.#placeBlock(block);
    if (!place || place.length > this.#unclaimedText) return undefined;
    const bytes = this.#text.bytes(place.offset, Math.min(place.length, this.#word + textLen));
    if (!bytes) return undefined;
    // Every data block starts with the id of its descriptor (struct prb_data_block).
    const view = new DataView(bytes.buffer, bytes.byteOffset, this.#word);
    if (this.#getWord(view, 0) !== id) return undefined;
    this.#unclaimedText -= place.length;
    return bytes.slice(this.#word);
  }

  /**
   * A block that would cross the end of the ring is stored at its start instead. One that ends exactly at the end
   * does not cross it, although its `next` lies in the next round. Older kernels never made such a block.
   */
  #placeBlock({ begin, next }: TextBlock): { offset: number; length: number } | undefined {
    const bits = this.#word * 8;
    const size = this.#text.length;
    const mask = BigInt(size - 1);
    const lastRound = BigInt.asUintN(bits, next - 1n) >> this.#sizeBits;
    const rounds = BigInt.asUintN(bits - Number(this.#sizeBits), lastRound - (begin >> this.#sizeBits));
    if (rounds > 1n) return undefined;
    const offset = rounds === 0n ? Number(begin & mask) : 0;
    const length = rounds === 0n ? Number(BigInt.asUintN(bits, next - begin)) : Number(next & mask);
    return offset % this.#word === 0 && length > this.#word && offset + length <= size
      ? { offset, length }
      : undefined;
  }

  /** Without spreading parts into it: a log has tens of thousands of these. */
  #makeRecord(view: DataView, sequence: number, raw: Uint8Array): LogRecord {
    const { tsNsec, facility, flagsLevel, callerId, subsystem, device } = this.#info;
    const { level, newline, continuation } = parseFlagsAndLevel(
      view.getUint8(flagsLevel),
      this.#littleEndian,
    );
    return {
      sequence,
      timestamp: view.getBigUint64(tsNsec, this.#littleEndian),
      facility: view.getUint8(facility),
      level,
      caller: callerId === undefined ? undefined : parseCaller(view.getUint32(callerId, this.#littleEndian)),
      text: decodeText(raw),
      raw,
      newline,
      continuation,
      subsystem: subsystem === undefined ? undefined : cstring(view, subsystem, SUBSYSTEM_BYTES),
      device: device === undefined ? undefined : cstring(view, device, DEVICE_BYTES),
      line: undefined,
    };
  }

  #getWord(view: DataView, offset: number): bigint {
    return getWord(view, offset, this.#word, this.#littleEndian);
  }
}

/** The first message after the log was cleared. Since 5.13 it is latched: of two copies one is always whole. */
function readClearSeq(memory: LogMemory, info: Vmcoreinfo): bigint {
  const vaddr = symbol(info, 'clear_seq');
  if (info.size('latched_seq') === undefined) return memory.u64(vaddr);
  const val = new StructLayout(info, 'latched_seq').member('val', 16);
  const copy = memory.u32(vaddr) & 1;
  return memory.u64(vaddr + BigInt(val + 8 * copy));
}

/** Undefined when empty, as in most messages: they are about no device. */
function cstring(view: DataView, offset: number, limit: number): string | undefined {
  if (view.getUint8(offset) === 0) return undefined;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, limit);
  const nul = bytes.indexOf(0);
  return decodeText(nul < 0 ? bytes : bytes.subarray(0, nul));
}
