import fc from 'fast-check';
import t from 'tap';
import { isVmcoreError } from '../../../lib/errors.ts';
import { formatRecord, readKernelLog } from '../../../lib/kernel/printk/dmesg.ts';
import { byteOrders, refusesOrReturns, utf8, vmcoreinfo } from './fake-memory.ts';
import { type RingOptions, RingWriter, ringAddresses } from './ring-writer.ts';

const read = (ring: RingWriter, sinceClear = false) =>
  readKernelLog(ring.memory, ring.info(), { sinceClear });
const texts = (ring: RingWriter, sinceClear = false) =>
  read(ring, sinceClear).records.map(({ text }) => text);

/** Messages of different lengths, so that blocks meet the end of the ring at different places. */
function filled(options: RingOptions, messages: number): { ring: RingWriter; written: string[] } {
  const ring = new RingWriter(options);
  const written = Array.from({ length: messages }, (_, i) => `message ${i} ${'x'.repeat((i * 7) % 40)}`);
  for (const text of written) ring.add({ text });
  return { ring, written };
}

for (const { name, littleEndian } of byteOrders) {
  for (const word of [8, 4] as const) {
    t.test(`${name}, words of ${word} bytes`, async (t) => {
      t.test('a message and everything known about it', async (t) => {
        const ring = new RingWriter({ littleEndian, word });
        ring.add({
          text: 'sda: grüße',
          timestamp: 12_345_678_901n,
          facility: 3,
          level: 5,
          flags: 10,
          callerId: 4711,
          subsystem: 'scsi',
          device: '+scsi:0:0:0:0',
        });
        t.strictSame(read(ring), {
          generation: 'ringbuffer',
          lost: 0,
          records: [
            {
              sequence: 0,
              timestamp: 12_345_678_901n,
              facility: 3,
              level: 5,
              newline: true,
              continuation: true,
              caller: { kind: 'task', pid: 4711 },
              text: 'sda: grüße',
              raw: utf8('sda: grüße'),
              subsystem: 'scsi',
              device: '+scsi:0:0:0:0',
              line: undefined,
            },
          ],
        });
      });

      t.test('a ring that nobody has written to', async (t) => {
        t.strictSame(read(new RingWriter({ littleEndian, word })), {
          generation: 'ringbuffer',
          lost: 0,
          records: [],
        });
      });

      for (const exactFit of [false, true]) {
        t.test(`many rounds${exactFit ? ', blocks that fit exactly' : ''}`, async (t) => {
          for (let messages = 1; messages < 120; messages++) {
            const { ring, written } = filled({ littleEndian, word, exactFit }, messages);
            const { records, lost } = read(ring);
            t.ok(records.length > 0 && records.length <= ring.count);
            t.strictSame(
              records.map(({ text }) => text),
              written.slice(-records.length),
            );
            t.equal(lost, 0);
            t.equal(records.at(-1)?.sequence, messages - 1);
          }
        });
      }
    });
  }
}

t.test(
  'a block that ends exactly at the end of the ring, in the first round and in a later one',
  async (t) => {
    const ring = new RingWriter({ littleEndian: true, sizeBits: 8, exactFit: true });
    for (let i = 0; i < 8; i++) ring.add({ text: `${i}`.repeat(56) });
    t.strictSame(
      ring.blocks.filter(({ next }) => next % 256n === 0n).map(({ offset }) => offset),
      [192, 192],
    );
    t.strictSame(
      texts(ring),
      [4, 5, 6, 7].map((i) => `${i}`.repeat(56)),
    );
  },
);

t.test('an empty message is a message, one whose text found no room is lost', async (t) => {
  const ring = new RingWriter({ littleEndian: true });
  ring.add({ text: 'before' }).add({ text: '' }).add({ text: 'failed' }).add({ text: 'after' });
  for (const offset of [8, 16]) ring.descs.setBigUint64(2 * 24 + offset, 1n, true); // FAILED_LPOS
  const { records, lost } = read(ring);
  t.strictSame(
    records.map(({ text }) => text),
    ['before', '', 'after'],
  );
  t.equal(lost, 1);
});

t.test('the states of a descriptor', async (t) => {
  const ring = new RingWriter({ littleEndian: true });
  for (const state of [0, 1, 2, 3]) ring.add({ text: `state ${state}`, state });
  const { records, lost } = read(ring);
  t.strictSame(
    records.map(({ text }) => text),
    ['state 1', 'state 2'],
  );
  t.equal(lost, 1, 'reserved: its message was not complete; reusable: there was none');
});

t.test('a descriptor or a text of another message', async (t) => {
  const ring = new RingWriter({ littleEndian: true });
  ring.add({ text: 'zero' }).add({ text: 'one' }).add({ text: 'two' }).add({ text: 'three' });
  ring.putWord(ring.data, ring.blocks[1]!.offset, 77n);
  ring.putWord(ring.descs, 2 * 24, (2n << 62n) | 77n);
  const { records, lost } = read(ring);
  t.strictSame(
    records.map(({ sequence }) => sequence),
    [0, 3],
  );
  t.equal(lost, 2);
});

t.test('blocks that cannot be', async (t) => {
  const block = (begin: bigint, next: bigint) => {
    const ring = new RingWriter({ littleEndian: true, sizeBits: 8 }).add({ text: 'text' });
    ring.descs.setBigUint64(8, begin, true);
    ring.descs.setBigUint64(16, next, true);
    // The id alone would not give it away.
    ring.data.setBigUint64(Number(begin % 256n), ring.blocks[0]!.id, true);
    return read(ring);
  };
  t.equal(block(0n, 16n).records.length, 1);
  t.equal(block(0n, 8n).lost, 1, 'with room for no text');
  t.equal(block(0n, 0n).lost, 1, 'of no length');
  t.equal(block(4n, 20n).lost, 1, 'not aligned');
  t.equal(block(0n, 264n).lost, 1, 'longer than the ring');
  t.equal(block(16n, 0n).lost, 1, 'backwards');
  t.equal(block(0n, 0x8000000000000010n).lost, 1, 'far beyond the ring');
});

t.test('a text longer than its block is cut where the block ends', async (t) => {
  const ring = new RingWriter({ littleEndian: true }).add({ text: '12345678' }).add({ text: 'next' });
  ring.infos.setUint16(16, 5000, true);
  t.strictSame(texts(ring), ['12345678', 'next']);
});

t.test('texts share no bytes', async (t) => {
  const ring = new RingWriter({ littleEndian: true, sizeBits: 8 });
  for (let i = 0; i < 8; i++) ring.add({ text: `${i}` });
  // Each message claims the ring from its id on, and the ids lie side by side.
  for (let i = 0; i < 8; i++) {
    ring.descs.setBigUint64(i * 24 + 8, BigInt(8 * i), true);
    ring.descs.setBigUint64(i * 24 + 16, 256n, true);
    ring.data.setBigUint64(8 * i, ring.blocks[i]!.id, true);
  }
  const { records, lost } = read(ring);
  t.equal(records.length, 1);
  t.equal(lost, 7);
});

for (const latched of [false, true]) {
  t.test(`since the log was cleared${latched ? ', latched' : ''}`, async (t) => {
    const { ring, written } = filled({ littleEndian: true, latched }, 100);
    const held = texts(ring).length;
    t.strictSame(texts(ring.setClearSeq(0n), true), written.slice(-held), 'never');
    t.strictSame(texts(ring.setClearSeq(3n), true), written.slice(-held), 'before the oldest message');
    t.strictSame(texts(ring.setClearSeq(95n), true), written.slice(95));
    t.strictSame(texts(ring.setClearSeq(100n), true), [], 'after the newest message');
    t.strictSame(texts(ring.setClearSeq(95n)), written.slice(-held), 'not asked for');
  });
}

t.test('memory that is not in the core', async (t) => {
  const { ring } = filled({ littleEndian: true, countBits: 12, sizeBits: 17 }, 3000);
  const held = read(ring).records.length;
  ring.memory.hole(ringAddresses.data + 0x3000n, 0x1000);
  const damaged = read(ring);
  t.ok(damaged.lost > 50 && damaged.lost < 120, `${damaged.lost} messages of one page of text`);
  t.equal(damaged.records.length + damaged.lost, held);
  ring.memory.hole(ringAddresses.descs - 0xff0n, 0x200000);
  t.equal(read(ring).lost, held, 'no descriptors, no messages');
});

t.test('a ring that cannot be found is an error with a code', async (t) => {
  const { ring } = filled({ littleEndian: true }, 3);
  const code = (change: (ring: RingWriter) => void) => {
    const { ring } = filled({ littleEndian: true }, 3);
    change(ring);
    try {
      read(ring);
    } catch (error) {
      return isVmcoreError(error) && error.code;
    }
  };
  t.equal(
    code(({ memory }) => memory.hole(ringAddresses.prb, 8)),
    'ERR_VMCORE_NOT_PRESENT',
  );
  t.equal(
    code(({ header }) => header.setUint32(0, 27, true)),
    'ERR_VMCORE_CORRUPT',
  );
  t.equal(
    code(({ header }) => header.setUint32(48, 32, true)),
    'ERR_VMCORE_CORRUPT',
  );
  const bare = vmcoreinfo({ 'SYMBOL(prb)': ringAddresses.prb });
  t.throws(() => readKernelLog(ring.memory, bare), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  const none = vmcoreinfo({});
  t.throws(() => readKernelLog(ring.memory, none), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  const outside = new Map(ring.info().entries()).set('OFFSET(prb_desc.state_var)', '20');
  t.throws(() => readKernelLog(ring.memory, vmcoreinfo(Object.fromEntries(outside))), {
    code: 'ERR_VMCORE_CORRUPT',
  });
});

t.test('an error that is not about memory passes', async (t) => {
  const { ring } = filled({ littleEndian: true }, 3);
  let reads = 0;
  const memory = {
    littleEndian: true,
    u32: (vaddr: bigint) => ring.memory.u32(vaddr),
    u64: (vaddr: bigint) => ring.memory.u64(vaddr),
    read(vaddr: bigint, into: Uint8Array) {
      if (++reads > 2) throw new TypeError('a mistake');
      return ring.memory.read(vaddr, into);
    },
  };
  t.throws(() => readKernelLog(memory, ring.info()), TypeError);
});

t.test('any bytes are read or refused', async () => {
  const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  const small = fc.oneof(word, fc.bigInt({ min: 0n, max: 2048n }));
  const change = fc.record({
    part: fc.constantFrom('header', 'descs', 'infos', 'data'),
    at: fc.nat(),
    value: small,
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 60 }), fc.boolean(), (changes, littleEndian) => {
      const { ring } = filled({ littleEndian, exactFit: true }, 60);
      for (const { part, at, value } of changes) {
        const view = ring[part as 'header' | 'descs' | 'infos' | 'data'];
        view.setBigUint64(8 * (at % (view.byteLength / 8)), value, littleEndian);
      }
      // Most values of the sizes are refused at once: these are not.
      if (changes.length % 2) ring.header.setUint32(0, changes.length % 12, littleEndian);
      if (changes.length % 3) ring.header.setUint32(48, changes.length % 16, littleEndian);
      refusesOrReturns(() => read(ring).records.map((record) => formatRecord(record, { caller: true })));
    }),
    { numRuns: 500 },
  );
});

t.test('the largest sizes over absent memory take few reads', async (t) => {
  const { ring } = filled({ littleEndian: true }, 3);
  ring.header.setUint32(0, 26, true);
  ring.header.setUint32(48, 31, true);
  ring.putWord(ring.header, 32, 0n);
  ring.memory.reads = 0;
  t.ok(read(ring).records.length <= 3);
  t.ok(ring.memory.reads < 20_000, `${ring.memory.reads} reads for 2^26 descriptors and 2 GiB of text`);
});

t.test('a log of 1 MiB with 32768 descriptors is read in bulk', async (t) => {
  const { ring } = filled({ littleEndian: true, countBits: 15, sizeBits: 20 }, 40_000);
  ring.memory.reads = 0;
  const start = performance.now();
  const { records } = read(ring);
  t.comment(`${records.length} messages in ${(performance.now() - start).toFixed(1)} ms`);
  t.ok(ring.memory.reads < 150, `${ring.memory.reads} reads`);
});
