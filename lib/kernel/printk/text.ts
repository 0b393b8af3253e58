import { hex, VmcoreError } from '../../errors.ts';
import type { Vmcoreinfo } from '../vmcoreinfo.ts';
import { isPowerOfTwo, readWord, symbol, wordBytes } from './layout.ts';
import { LogArea, type LogMemory } from './log-memory.ts';
import type { LogReading } from './log-reading.ts';
import { decodeText, type LogRecord } from './log-record.ts';

/** Kernels of that time logged into at most a few MiB. */
const BUFFER_LIMIT = 1 << 26;
const NEWLINE = 10;
/** `<6>`, `[    1.234567] `, or both. */
const LINE_PREFIX = /^(?:<(\d{1,3})>)?(?:\[ *(\d{1,10})\.(\d{6})\] )?/;
const LINE_PREFIX_LIMIT = 32;

/** The log before 3.5: plain text in a ring of characters (kernel/printk.c). */
export function readText(
  memory: LogMemory,
  info: Vmcoreinfo,
  reading: LogReading,
  sinceClear: boolean,
): void {
  const word = wordBytes(info);
  const vaddr = readWord(memory, symbol(info, 'log_buf'), word);
  const length = memory.u32(symbol(info, 'log_buf_len'));
  if (length > BUFFER_LIMIT || !isPowerOfTwo(length)) {
    const message = `no log at ${hex(vaddr)} has ${length} bytes`;
    throw new VmcoreError('ERR_VMCORE_CORRUPT', message, { address: vaddr });
  }
  // log_end counts all characters ever logged. It was an unsigned long before 2.6.25.
  const end = readWord(memory, symbol(info, 'log_end'), isBefore2625(info.osrelease) ? word : 4);
  let held = Math.min(Number(end), length);
  if (sinceClear) held = Math.min(held, memory.u32(symbol(info, 'logged_chars')));

  const area = new LogArea(memory, vaddr, length);
  const lines = new LineReader(reading);
  for (const run of readableRuns(area, Number(end & BigInt(length - 1)), held, reading)) lines.add(run);
}

/** The last `held` bytes before `end`, oldest first, in runs between the stretches that cannot be read. */
function* readableRuns(area: LogArea, end: number, held: number, reading: LogReading): Generator<Uint8Array> {
  const size = area.length;
  let pieces: Uint8Array[] = [];
  for (let done = 0; done < held; ) {
    const offset = (end - held + done + size) % size;
    const length = Math.min(held - done, area.pageEnd(offset) - offset);
    const bytes = area.bytes(offset, length)?.slice();
    if (bytes) pieces.push(bytes);
    else {
      reading.lose();
      yield Buffer.concat(pieces);
      pieces = [];
    }
    done += length;
  }
  yield Buffer.concat(pieces);
}

class LineReader {
  readonly #reading: LogReading;
  #sequence = 0;

  constructor(reading: LogReading) {
    this.#reading = reading;
  }

  add(run: Uint8Array): void {
    for (let start = 0; start < run.length; ) {
      const found = run.indexOf(NEWLINE, start);
      const end = found < 0 ? run.length : found;
      this.#reading.add(parseLine(run.subarray(start, end), this.#sequence++, found >= 0));
      start = end + 1;
    }
  }
}

function parseLine(line: Uint8Array, sequence: number, newline: boolean): LogRecord {
  const head = String.fromCharCode(...line.subarray(0, LINE_PREFIX_LIMIT));
  const [prefix = '', priority, seconds, microseconds] = LINE_PREFIX.exec(head) ?? [];
  const raw = line.subarray(prefix.length);
  return {
    sequence,
    timestamp: seconds === undefined ? undefined : BigInt(`${seconds}${microseconds}000`),
    facility: priority === undefined ? undefined : Number(priority) >> 3,
    level: priority === undefined ? undefined : Number(priority) & 7,
    caller: undefined,
    text: decodeText(raw),
    raw,
    newline,
    continuation: false,
    subsystem: undefined,
    device: undefined,
    line,
  };
}

function isBefore2625(osrelease: string): boolean {
  const minor = /^2\.6\.(\d+)/.exec(osrelease)?.[1];
  return minor !== undefined && Number(minor) < 25;
}
