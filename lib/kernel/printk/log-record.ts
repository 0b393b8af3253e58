/** Who called printk(): a task, or a CPU outside of task context (kernel/printk/printk.c printk_caller_id()). */
export type Caller =
  | { readonly kind: 'task'; readonly pid: number }
  | { readonly kind: 'cpu'; readonly cpu: number };

/** One message of the kernel log. */
export interface LogRecord {
  /** The kernel's sequence number. Logs before 5.10 export none: there it counts from the oldest message still held. */
  readonly sequence: number;
  /** Nanoseconds of the kernel's local clock, roughly since boot. Absent where a plain-text line has no time. */
  readonly timestamp: bigint | undefined;
  /** The syslog facility: 0 is the kernel. */
  readonly facility: number | undefined;
  /** The syslog level: 0 (emergency) to 7 (debug). */
  readonly level: number | undefined;
  readonly caller: Caller | undefined;
  /** The message, without its final newline; bytes that are no UTF-8 become U+FFFD. */
  readonly text: string;
  /** The bytes that `text` was decoded from. */
  readonly raw: Uint8Array;
  /** The message ended in a newline; without it, more may have been meant to follow on the line (pr_cont). */
  readonly newline: boolean;
  /** The message continues the one before it. */
  readonly continuation: boolean;
  /** The subsystem of the device that the message is about, such as `pci`. */
  readonly subsystem: string | undefined;
  /** That device, as udev names it: `+pci:0000:00:1f.2`, `b8:0`, `n3`. */
  readonly device: string | undefined;
  /** Of a plain-text log only: the whole line as it was stored, with its `<level>` and `[time]`. */
  readonly line: Uint8Array | undefined;
}

/** How a record becomes a line. */
export interface FormatOptions {
  /**
   * Show who called, as kernels with CONFIG_PRINTK_CALLER do: `[   T1234] ` or `[      C0] `. Off by default: kernels
   * store callers whether or not they were configured to show them.
   */
  readonly caller?: boolean;
}

/** As makedumpfile pads a caller (makedumpfile.h PID_CHARS_DEFAULT). */
const CALLER_WIDTH = 8;

const NEWLINE = 10;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Set in caller_id for a CPU number (kernel/printk/printk.c printk_caller_id()). */
const CALLER_IS_CPU = 0x80000000;

export function parseCaller(callerId: number): Caller {
  const id = callerId & ~CALLER_IS_CPU;
  return callerId >= CALLER_IS_CPU ? { kind: 'cpu', cpu: id } : { kind: 'task', pid: id };
}

/** The bit-fields `flags:5, level:3`: the compiler puts the first one at the low end, or at the high end on big-endian. */
export function parseFlagsAndLevel(byte: number, littleEndian: boolean): LogFlags {
  const flags = littleEndian ? byte & 0x1f : byte >> 3;
  const level = littleEndian ? byte >> 5 : byte & 7;
  return { level, newline: (flags & LOG_NEWLINE) !== 0, continuation: (flags & LOG_CONT) !== 0 };
}

type LogFlags = Pick<LogRecord, 'newline' | 'continuation'> & { readonly level: number };

/** enum printk_info_flags / enum log_flags (kernel/printk/internal.h; kernel/printk/printk.c before 5.18). */
const LOG_NEWLINE = 2;
const LOG_CONT = 8;

/** Lenient: a log may hold anything. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/**
 * The message as `dmesg` and makedumpfile's --dump-dmesg print it, without a final newline: `[    1.234567] text`.
 * Lines after the first are indented below the text; a byte that is neither printable ASCII nor white space becomes
 * `\xNN`, so that a log cannot send escape sequences to a terminal. A line of a plain-text log keeps its own prefix.
 */
export function formatRecord(record: LogRecord, options: FormatOptions = {}): string {
  if (record.line) return escapeBytes(record.line, '\n');
  const prefix = formatTime(record.timestamp) + (options.caller ? formatCaller(record.caller) : '');
  return `${prefix}${escapeBytes(record.raw, `\n${' '.repeat(prefix.length)}`)}`;
}

function formatTime(timestamp: bigint | undefined): string {
  if (timestamp === undefined) return '';
  const microseconds = timestamp / 1000n;
  const seconds = (microseconds / 1_000_000n).toString().padStart(5);
  return `[${seconds}.${(microseconds % 1_000_000n).toString().padStart(6, '0')}] `;
}

function formatCaller(caller: Caller | undefined): string {
  if (!caller) return '';
  const id = caller.kind === 'task' ? `T${caller.pid}` : `C${caller.cpu}`;
  return `[${id.padStart(CALLER_WIDTH)}] `;
}

function escapeBytes(bytes: Uint8Array, newline: string): string {
  let out = '';
  for (const byte of bytes) {
    if (byte === NEWLINE) out += newline;
    else if (isPrintableOrSpace(byte)) out += String.fromCharCode(byte);
    else out += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

/** isprint() or isspace() of the C locale. */
function isPrintableOrSpace(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13);
}
