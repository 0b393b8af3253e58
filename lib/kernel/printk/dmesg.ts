import { VmcoreError } from '../../errors.ts';
import type { Vmcoreinfo } from '../vmcoreinfo.ts';
import type { LogMemory } from './log-memory.ts';
import { LogReading } from './log-reading.ts';
import type { LogRecord } from './log-record.ts';
import { readRecords } from './records.ts';
import { readRingbuffer } from './ringbuffer.ts';
import { readText } from './text.ts';

export { joinContinuations } from './continuation.ts';
export type { LogMemory } from './log-memory.ts';
export { type Caller, type FormatOptions, formatRecord, type LogRecord } from './log-record.ts';

/** Which records are read. */
export interface LogOptions {
  /** Only what was logged after the log was last cleared (`dmesg --clear`). */
  readonly sinceClear?: boolean | undefined;
}

/** A kernel log as it was found. */
export interface KernelLog {
  /** How this kernel keeps its log: `ringbuffer` since 5.10, `records` since 3.5, `text` before. */
  readonly generation: 'ringbuffer' | 'records' | 'text';
  /** The oldest message first. */
  readonly records: LogRecord[];
  /** Messages, or unreadable stretches of the log, that are missing: torn, overwritten or not in the core. */
  readonly lost: number;
}

const readers = { ringbuffer: readRingbuffer, records: readRecords, text: readText };

/**
 * The kernel log, and what of it is missing.
 * @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO when VMCOREINFO does not say where the log is; ERR_VMCORE_CORRUPT,
 * ERR_VMCORE_UNMAPPED, ERR_VMCORE_NOT_PRESENT when the log as a whole cannot be found. Damage inside it is skipped.
 */
export function readKernelLog(memory: LogMemory, info: Vmcoreinfo, options: LogOptions = {}): KernelLog {
  const generation = chooseGeneration(info);
  const reading = new LogReading();
  readers[generation](memory, info, reading, options.sinceClear ?? false);
  return { generation, ...reading.finish() };
}

function chooseGeneration(info: Vmcoreinfo): KernelLog['generation'] {
  if (info.symbol('prb') !== undefined) return 'ringbuffer';
  if (info.symbol('log_buf') === undefined) {
    throw new VmcoreError(
      'ERR_VMCORE_NO_VMCOREINFO',
      'VMCOREINFO has neither SYMBOL(prb) nor SYMBOL(log_buf)',
    );
  }
  return info.symbol('log_end') === undefined ? 'records' : 'text';
}
