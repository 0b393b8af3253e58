import fc from 'fast-check';
import t from 'tap';
import { formatRecord, readKernelLog } from '../../../lib/kernel/printk/dmesg.ts';
import { byteOrders, refusesOrReturns, utf8 } from './fake-memory.ts';
import { buffer, RecordWriter, variables } from './record-writer.ts';

const read = (log: RecordWriter, sinceClear = false) => readKernelLog(log.memory, log.info(), { sinceClear });
const texts = (log: RecordWriter, sinceClear = false) =>
  read(log, sinceClear).records.map(({ text }) => text);

function filled(littleEndian: boolean, messages: number): { log: RecordWriter; written: string[] } {
  const log = new RecordWriter(littleEndian);
  const written = Array.from({ length: messages }, (_, i) => `message ${i} ${'x'.repeat((i * 7) % 30)}`);
  for (const text of written) log.add({ text });
  return { log, written };
}

for (const { name, littleEndian } of byteOrders) {
  t.test(name, async (t) => {
    t.test('a record and everything known about it', async (t) => {
      const log = new RecordWriter(littleEndian, { caller: true });
      log.add({ text: 'usb 1-1: grüße', dictionary: 'SUBSYSTEM=usb\0DEVICE=c189:0', callerId: 0x80000003 });
      const expected = {
        generation: 'records',
        lost: 0,
        records: [
          {
            sequence: 0,
            timestamp: 0n,
            facility: 1,
            level: 4,
            newline: true,
            continuation: false,
            caller: { kind: 'cpu', cpu: 3 },
            text: 'usb 1-1: grüße',
            raw: utf8('usb 1-1: grüße'),
            subsystem: 'usb',
            device: 'c189:0',
            line: undefined,
          },
        ],
      };
      t.strictSame(read(log), expected);
      t.strictSame(readKernelLog(log.memory, log.info('log')), expected, 'struct log, before 3.11');
    });

    t.test('an empty log', async (t) => {
      t.strictSame(read(new RecordWriter(littleEndian)), { generation: 'records', lost: 0, records: [] });
    });

    t.test('many rounds', async (t) => {
      for (let messages = 1; messages < 100; messages++) {
        const { log, written } = filled(littleEndian, messages);
        const { records, lost } = read(log);
        t.ok(records.length > 0);
        t.strictSame(
          records.map(({ text }) => text),
          written.slice(-records.length),
        );
        t.equal(lost, 0);
      }
    });

    t.test('since the log was cleared', async (t) => {
      for (let messages = 40; messages < 60; messages++) {
        const { log, written } = filled(littleEndian, messages);
        const held = texts(log).length;
        for (let since = 1; since < held; since++) {
          const index = log.indices.at(-since)!;
          if (index === 0) continue;
          log.setClearIndex(index);
          t.strictSame(texts(log, true), written.slice(-since));
        }
        log.setClearIndex(0);
        t.equal(texts(log, true).length, held, 'never');
        log.setClearIndex(log.next);
        t.strictSame(texts(log, true), [], 'after the newest');
        log.setClearIndex(log.indices.at(-2)! + 4);
        t.equal(texts(log, true).length, held, 'at a record that is no longer there');
      }
    });
  });
}

t.test('cleared where the round ended', async (t) => {
  const { log } = filled(true, 12);
  const before = log.indices.length;
  let clear = log.next;
  do {
    clear = log.next;
    log.add({ text: 'a message of some length' });
  } while (log.indices.at(-1) !== 0);
  log.setClearIndex(clear);
  t.ok(log.indices.length > before);
  t.strictSame(texts(log, true), ['a message of some length']);
});

t.test('records that lead in a circle', async (t) => {
  const { log } = filled(true, 5);
  log.setIndices(0, 500);
  const { records, lost } = read(log);
  t.equal(records.length, 5);
  t.equal(lost, 1, 'the header that ends the round comes too early');
  // All records of 16 bytes, and the end is never met.
  for (let at = 0; at < 512; at += 16) log.log.setUint16(at + 8, 16, true);
  for (let at = 0; at < 512; at += 16) log.log.setUint32(at + 10, 0, true);
  log.setIndices(256, 250);
  t.ok(read(log).records.length <= 32);
});

t.test('lengths that contradict each other', async (t) => {
  const last = (offset: number, length: number) => {
    const { log, written } = filled(true, 3);
    log.log.setUint16(log.indices[2]! + offset, length, true);
    const { records, lost } = read(log);
    t.strictSame(
      records.map(({ text }) => text),
      written.slice(0, 2),
    );
    t.equal(lost, 1);
  };
  last(8, 8); // a record shorter than its header
  last(8, 0); // the end of the round, before the last record
  last(8, 300); // a record that goes on after the newest
  last(10, 200); // a text longer than its record
  last(12, 200); // a dictionary longer than its record
});

t.test('damage ends a round, and the next one is read', async (t) => {
  const { log, written } = filled(true, 40);
  const held = texts(log).length;
  const newest = log.indices.lastIndexOf(0);
  t.ok(newest > 40 - held && newest < 40);
  log.log.setUint16(log.indices[newest - 2]! + 8, 7, true);
  const { records, lost } = read(log);
  t.strictSame(records.map(({ text }) => text).slice(newest - 40), written.slice(newest));
  t.equal(records.length, held - 2);
  t.equal(lost, 1);
});

t.test('a log that cannot be found is an error with a code', async (t) => {
  const { log } = filled(true, 3);
  log.setLength(500);
  t.throws(() => read(log), { code: 'ERR_VMCORE_CORRUPT' }, 'no power of two');
  log.setLength(512);
  log.setIndices(0, 513);
  t.throws(() => read(log), { code: 'ERR_VMCORE_CORRUPT' });
  log.memory.hole(variables, 4);
  t.throws(() => read(log), { code: 'ERR_VMCORE_NOT_PRESENT' });
});

t.test('a log that is not in the core', async (t) => {
  const { log } = filled(true, 3);
  log.memory.hole(buffer, 4);
  t.strictSame(read(log), { generation: 'records', records: [], lost: 1 });
});

t.test('any bytes are read or refused', async () => {
  const bytes = fc.uint8Array({ minLength: 512, maxLength: 512 });
  const change = fc.tuple(fc.nat({ max: 511 }), fc.nat({ max: 255 }));
  const index = fc.nat({ max: 520 });
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.option(bytes),
      fc.array(change),
      index,
      index,
      (le, all, some, first, next) => {
        const { log } = filled(le, 40);
        if (all) new Uint8Array(log.log.buffer).set(all);
        for (const [at, value] of some) log.log.setUint8(at, value);
        if (first % 2) log.setIndices(first, next);
        refusesOrReturns(() => read(log).records.map((record) => formatRecord(record)));
        refusesOrReturns(() => read(log, true));
      },
    ),
    { numRuns: 500 },
  );
});
