import { decodeText, type LogRecord } from './log-record.ts';

/**
 * The same log with the parts of a line (pr_cont) put together: a message without a newline, and those of its caller that
 * continue it without another in between. Kernels since 5.10 do that themselves where they can.
 */
export function joinContinuations(records: readonly LogRecord[]): LogRecord[] {
  const lines: LogRecord[][] = [];
  for (const record of records) {
    const line = lines.at(-1);
    if (line && continues(line.at(-1)!, record)) line.push(record);
    else lines.push([record]);
  }
  return lines.map(joined);
}

function continues(before: LogRecord, record: LogRecord): boolean {
  if (!record.continuation || before.newline) return false;
  return before.caller?.kind === record.caller?.kind && idOf(before) === idOf(record);
}

function idOf({ caller }: LogRecord): number | undefined {
  return caller?.kind === 'task' ? caller.pid : caller?.cpu;
}

/** Time, level and device are those of the first part. */
function joined(parts: readonly LogRecord[]): LogRecord {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  const raw = Buffer.concat(parts.map((part) => part.raw));
  return { ...first, raw: new Uint8Array(raw), text: decodeText(raw), newline: parts.at(-1)!.newline };
}
