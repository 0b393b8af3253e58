import t from 'tap';
import { formatRecord, type LogRecord } from '../../../lib/kernel/printk/dmesg.ts';
import { decodeText } from '../../../lib/kernel/printk/log-record.ts';
import { utf8 } from './fake-memory.ts';

function record(text: string | Uint8Array, fields: Partial<LogRecord> = {}): LogRecord {
  const raw = typeof text === 'string' ? utf8(text) : text;
  return {
    sequence: 0,
    timestamp: 1_234_567_890n,
    facility: 0,
    level: 6,
    caller: undefined,
    text: decodeText(raw),
    raw,
    newline: true,
    continuation: false,
    subsystem: undefined,
    device: undefined,
    line: undefined,
    ...fields,
  };
}

t.test('the time', async (t) => {
  t.equal(formatRecord(record('text')), '[    1.234567] text');
  t.equal(formatRecord(record('text', { timestamp: 0n })), '[    0.000000] text');
  t.equal(formatRecord(record('text', { timestamp: 1_234_567_000_001_999n })), '[1234567.000001] text');
  t.equal(formatRecord(record('text', { timestamp: (1n << 64n) - 1n })), '[18446744073.709551] text');
});

t.test('the caller', async (t) => {
  const show = { caller: true };
  t.equal(formatRecord(record('text', { caller: { kind: 'task', pid: 1 } })), '[    1.234567] text');
  t.equal(
    formatRecord(record('text', { caller: { kind: 'task', pid: 1 } }), show),
    '[    1.234567] [      T1] text',
  );
  t.equal(
    formatRecord(record('text', { caller: { kind: 'cpu', cpu: 12 } }), show),
    '[    1.234567] [     C12] text',
  );
  t.equal(formatRecord(record('text'), show), '[    1.234567] text');
});

t.test('more than one line', async (t) => {
  t.equal(
    formatRecord(record('one\ntwo\n\nfour')),
    '[    1.234567] one\n               two\n               \n               four',
  );
  const caller = { kind: 'task', pid: 1 } as const;
  t.equal(
    formatRecord(record('one\ntwo', { caller }), { caller: true }),
    '[    1.234567] [      T1] one\n                          two',
  );
});

t.test('bytes that are neither printable nor white space', async (t) => {
  t.equal(formatRecord(record('\t\v\f\r \x1b[31m\x7f\0\\')), '[    1.234567] \t\v\f\r \\x1b[31m\\x7f\\x00\\');
  t.equal(formatRecord(record('ü')), '[    1.234567] \\xc3\\xbc');
  t.equal(formatRecord(record(Uint8Array.of(0x80, 0xff))), '[    1.234567] \\x80\\xff');
  t.equal(record(Uint8Array.of(0x61, 0xff)).text, 'a\ufffd');
  t.equal(record('\ufefftext').text, '\ufefftext');
});

t.test('a line of plain text keeps its own prefix', async (t) => {
  const line = utf8('<6>[    0.000001] text\x1b');
  t.equal(formatRecord(record('text\x1b', { line })), '<6>[    0.000001] text\\x1b');
});
