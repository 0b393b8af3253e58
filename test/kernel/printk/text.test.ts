import fc from 'fast-check';
import t from 'tap';
import { formatRecord } from '../../../lib/kernel/printk/dmesg.ts';
import { byteOrders, refusesOrReturns } from './fake-memory.ts';
import { textLog } from './text-log.ts';

const sample =
  '<5>[    0.000000] Linux version 2.6.32\n<30>[   12.345678] init: hello\n<4>no time\nno level\n';
const formatted = (log: ReturnType<typeof textLog>, sinceClear = false) =>
  log
    .read(sinceClear)
    .records.map((record) => `${formatRecord(record)}\n`)
    .join('');

for (const { name, littleEndian } of byteOrders) {
  t.test(name, async (t) => {
    for (const release of ['2.6.24', '2.6.32']) {
      const { generation, lost, records } = textLog(sample, { littleEndian, release }).read();
      t.strictSame({ generation, lost }, { generation: 'text', lost: 0 });
      t.strictSame(
        records.map(({ timestamp, facility, level, text }) => [timestamp, facility, level, text]),
        [
          [0n, 0, 5, 'Linux version 2.6.32'],
          [12_345_678_000n, 3, 6, 'init: hello'],
          [undefined, 0, 4, 'no time'],
          [undefined, undefined, undefined, 'no level'],
        ],
      );
      t.equal(formatted(textLog(sample, { littleEndian, release })), sample);
    }
  });
}

t.test('what is held of a log that has gone round', async (t) => {
  const text = Array.from({ length: 2000 }, (_, i) => `<6>[    0.000000] message ${i}\n`).join('');
  for (const length of [4096, 65536 * 2]) {
    const log = textLog(text, { length });
    t.equal(formatted(log), text.slice(-length));
  }
  const exact = textLog(text.slice(0, 4095).concat('\n'));
  t.equal(formatted(exact), text.slice(0, 4095).concat('\n'));
});

t.test('a last line without a newline', async (t) => {
  const { records } = textLog('<6>whole\n<6>half').read();
  t.strictSame(
    records.map(({ text, newline }) => [text, newline]),
    [
      ['whole', true],
      ['half', false],
    ],
  );
});

t.test('since the log was cleared', async (t) => {
  const log = textLog(sample);
  log.variables.setUint32(24, 20, true);
  t.equal(formatted(log, true), sample.slice(-20));
  log.variables.setUint32(24, 4000, true);
  t.equal(formatted(log, true), sample, 'more than there is');
  log.variables.setUint32(24, 0, true);
  t.equal(formatted(log, true), '');
});

t.test('an empty log', async (t) => {
  t.strictSame(textLog('').read(), { generation: 'text', lost: 0, records: [] });
});

t.test('a page that is not in the core', async (t) => {
  const text = Array.from({ length: 2000 }, (_, i) => `<6>[    0.000000] message ${i}\n`).join('');
  const log = textLog(text, { length: 65536 });
  log.memory.hole(0xffffffff82003000n, 4096);
  const { records, lost } = log.read();
  t.equal(lost, 1);
  t.equal(
    records.reduce((sum, { line, newline }) => sum + (line?.length ?? 0) + (newline ? 1 : 0), 0),
    text.length - 4096,
  );
});

t.test('sizes that cannot be', async (t) => {
  for (const length of [0, 4095, 2 ** 31]) {
    const log = textLog(sample);
    log.variables.setUint32(8, length, true);
    t.throws(() => log.read(), { code: 'ERR_VMCORE_CORRUPT' });
  }
});

t.test('any bytes are read or refused', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 10_000 });
  fc.assert(
    fc.property(bytes, fc.boolean(), fc.nat({ max: 16 }), (text, littleEndian, sizeBits) => {
      const log = textLog(text, { littleEndian });
      log.variables.setUint32(8, 2 ** sizeBits, littleEndian);
      refusesOrReturns(() => formatted(log));
      refusesOrReturns(() => log.read(true));
    }),
    { numRuns: 200 },
  );
  t.pass();
});
