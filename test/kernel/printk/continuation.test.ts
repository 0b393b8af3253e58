import t from 'tap';
import { formatRecord, joinContinuations, type LogRecord } from '../../../lib/kernel/printk/dmesg.ts';
import { utf8 } from './fake-memory.ts';

const task = { kind: 'task', pid: 7 } as const;

/** A message as the kernel keeps it: `text` with its newline, if it has one, `+` before what continues a line. */
function message(text: string, caller: LogRecord['caller'] = task): LogRecord {
  const continuation = text.startsWith('+');
  const newline = text.endsWith('\n');
  const raw = utf8(text.replace(/^\+|\n$/g, ''));
  return {
    sequence: 0,
    timestamp: 1_000_000_000n,
    facility: 0,
    level: 6,
    caller,
    text: Buffer.from(raw).toString(),
    raw,
    newline,
    continuation,
    subsystem: undefined,
    device: undefined,
    line: undefined,
  };
}

const joined = (...records: LogRecord[]) => joinContinuations(records).map(({ text }) => text);

t.test('the parts of a line are put together', async (t) => {
  t.strictSame(joined(message('one, '), message('+two, '), message('+three\n'), message('next\n')), [
    'one, two, three',
    'next',
  ]);
  const [line] = joinContinuations([message('one, '), message('+two\n')]);
  t.equal(formatRecord(line!), '[    1.000000] one, two');
  t.equal(line!.newline, true);
});

t.test('a part without a beginning, or after an end, stands for itself', async (t) => {
  t.strictSame(joined(message('+late\n'), message('whole\n'), message('+late\n')), ['late', 'whole', 'late']);
});

t.test('what another caller logged in between is no part of it', async (t) => {
  const other = { kind: 'cpu', cpu: 7 } as const;
  t.strictSame(joined(message('one '), message('+two\n', other)), ['one ', 'two']);
  t.strictSame(joined(message('one '), message('other\n', other), message('+two\n')), [
    'one ',
    'other',
    'two',
  ]);
});

t.test('parts whose ends are halves of a character make one', async (t) => {
  const [first, second] = [utf8('ü').subarray(0, 1), utf8('ü').subarray(1)];
  const parts = [
    { ...message('x'), raw: first },
    { ...message('+x\n'), raw: second },
  ];
  t.strictSame(
    joinContinuations(parts).map(({ text }) => text),
    ['ü'],
  );
});
