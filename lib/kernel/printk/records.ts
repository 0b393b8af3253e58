import { hex, VmcoreError } from '../../errors.ts';
import type { Vmcoreinfo } from '../vmcoreinfo.ts';
import { isPowerOfTwo, readWord, StructLayout, symbol, wordBytes } from './layout.ts';
import { LogArea, type LogMemory } from './log-memory.ts';
import type { LogReading } from './log-reading.ts';
import { decodeText, type LogRecord, parseCaller, parseFlagsAndLevel } from './log-record.ts';

/** LOG_BUF_LEN_MAX (kernel/printk/printk.c). */
const BUFFER_LIMIT = 2 ** 31;

/** The log of 3.5 to 5.9: records of varying length behind each other in one buffer (kernel/printk/printk.c). */
export function readRecords(
  memory: LogMemory,
  info: Vmcoreinfo,
  reading: LogReading,
  sinceClear: boolean,
): void {
  const first = memory.u32(symbol(info, 'log_first_idx'));
  const next = memory.u32(symbol(info, 'log_next_idx'));
  const walk = new RecordWalk(memory, info, reading, sinceClear ? readClearIndex(memory, info) : undefined);
  if (first > walk.length || next > walk.length) {
    const message = `the log's records from ${first} to ${next} are outside of its ${walk.length} bytes`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', message);
  }
  // Equal indices are an empty log: the kernel never fills the last gap. Within each stretch indices only grow, so
  // that records which lead in a circle cannot be followed for ever.
  if (first > next) {
    walk.stretch(first, walk.length, true);
    walk.stretch(0, next, false);
  } else {
    walk.stretch(first, next, false);
  }
  walk.finish(next);
}

class RecordWalk {
  readonly #area: LogArea;
  readonly #littleEndian: boolean;
  readonly #layout: RecordLayout;
  readonly #reading: LogReading;
  readonly #clearIndex: number | undefined;
  #sequence = 0;

  constructor(memory: LogMemory, info: Vmcoreinfo, reading: LogReading, clearIndex: number | undefined) {
    const vaddr = readWord(memory, symbol(info, 'log_buf'), wordBytes(info));
    const length = memory.u32(symbol(info, 'log_buf_len'));
    if (length > BUFFER_LIMIT || !isPowerOfTwo(length)) {
      const message = `no log at ${hex(vaddr)} has ${length} bytes`;
      throw new VmcoreError('ERR_VMCORE_CORRUPT', message, { address: vaddr });
    }
    this.#area = new LogArea(memory, vaddr, length);
    this.#littleEndian = memory.littleEndian;
    this.#layout = recordLayout(info);
    this.#reading = reading;
    this.#clearIndex = clearIndex;
  }

  get length(): number {
    return this.#area.length;
  }

  /** Records in [index, end). Where the buffer wraps, a header with length 0 may end it early. */
  stretch(index: number, end: number, wraps: boolean): void {
    while (index < end) {
      if (index === this.#clearIndex) this.#reading.restart();
      const header = this.#area.view(index, this.#layout.size);
      const length = header?.getUint16(this.#layout.len, this.#littleEndian) ?? 0;
      if (header && length === 0 && wraps) return;
      const record = header && length <= end - index ? this.#record(header, index, length) : undefined;
      if (!record) {
        // What follows is lost with it: only its length says where the next one starts.
        this.#reading.lose();
        return;
      }
      this.#reading.add(record);
      index += length;
    }
  }

  /** A log cleared after its last record has nothing to show. */
  finish(next: number): void {
    if (next === this.#clearIndex) this.#reading.restart();
  }

  /** Undefined when the lengths contradict each other or the text is unreadable. */
  #record(header: DataView, index: number, length: number): LogRecord | undefined {
    const { size, tsNsec, textLen, dictLen, callerId } = this.#layout;
    const textLength = header.getUint16(textLen, this.#littleEndian);
    const dictLength = header.getUint16(dictLen, this.#littleEndian);
    if (size + textLength + dictLength > length) return undefined;
    const fields = {
      sequence: this.#sequence,
      timestamp: header.getBigUint64(tsNsec, this.#littleEndian),
      facility: header.getUint8(dictLen + 2),
      ...parseFlagsAndLevel(header.getUint8(dictLen + 3), this.#littleEndian),
      caller:
        callerId === undefined ? undefined : parseCaller(header.getUint32(callerId, this.#littleEndian)),
    };
    const bytes = this.#area.bytes(index + size, textLength + dictLength);
    if (!bytes) return undefined;
    this.#sequence++;
    const raw = bytes.slice(0, textLength);
    const device = parseDictionary(bytes.subarray(textLength));
    return { ...fields, text: decodeText(raw), raw, ...device, line: undefined };
  }
}

type RecordLayout = ReturnType<typeof recordLayout>;

/**
 * struct printk_log, before 3.11 struct log. The facility and the flags are not exported: they are the two bytes
 * after dict_len.
 */
function recordLayout(info: Vmcoreinfo) {
  const layout = new StructLayout(info, info.size('printk_log') === undefined ? 'log' : 'printk_log');
  return {
    size: layout.size,
    tsNsec: layout.member('ts_nsec', 8),
    len: layout.member('len', 2),
    textLen: layout.member('text_len', 2),
    dictLen: layout.member('dict_len', 4),
    /** Only with CONFIG_PRINTK_CALLER (5.1+). */
    callerId: layout.optional('caller_id', 4),
  };
}

/** `KEY=value` pairs with a NUL between them. */
function parseDictionary(bytes: Uint8Array): Pick<LogRecord, 'subsystem' | 'device'> {
  const pairs = bytes.length === 0 ? [] : decodeText(bytes).split('\0');
  const value = (key: string) => pairs.find((pair) => pair.startsWith(key))?.slice(key.length);
  return { subsystem: value('SUBSYSTEM='), device: value('DEVICE=') };
}

/**
 * Where the log was cleared; undefined when never. 0 is also the initial value, and a wrapped log has a record there:
 * it cannot mean more than "never". An index whose record has been overwritten is met by no record, so all are shown.
 */
function readClearIndex(memory: LogMemory, info: Vmcoreinfo): number | undefined {
  return memory.u32(symbol(info, 'clear_idx')) || undefined;
}
