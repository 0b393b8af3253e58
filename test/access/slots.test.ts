import { truncateSync } from 'node:fs';
import t from 'tap';
import { BufferSource } from '../../lib/access/buffer-source.ts';
import { FileSource } from '../../lib/access/file-source.ts';
import { WINDOW_BYTES } from '../../lib/access/region.ts';
import { type SlotOptions, Slots } from '../../lib/access/slots.ts';
import { VmcoreError } from '../../lib/errors.ts';
import { mappingsOf, PAGE, patternAt, patternFile } from '../native/support.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { FakeSource } from './fake-source.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;
const OPTIONS: SlotOptions = { slots: 2, regionBytes: 4 * KIB, readBytes: KIB, policy: 'auto' };

function read(slots: Slots, position: number, length: number): Uint8Array {
  const into = new Uint8Array(length);
  slots.read(position, into);
  return into;
}

function expected(position: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => patternAt(position + i));
}

t.test('regions lie on a grid, and a second read of one is a hit', async (t) => {
  const source = new FakeSource(64 * KIB, patternAt);
  const slots = new Slots(source, OPTIONS);
  t.same(read(slots, 5000, 10), expected(5000, 10));
  t.same(read(slots, 8191, 1), expected(8191, 1));
  t.same(source.calls, ['map 4096+4096']);
  t.match(slots.counters, { hits: 1, misses: 1, evictions: 0, failures: {} });
});

t.test('a read over several regions puts them together', async (t) => {
  const source = new FakeSource(64 * KIB, patternAt);
  const slots = new Slots(source, OPTIONS);
  t.same(read(slots, 4000, 9000), expected(4000, 9000));
  t.same(source.calls, ['map 0+4096', 'map 4096+4096', 'map 8192+4096', 'map 12288+4096']);
  t.equal(source.held.size, 2, 'as many as there are slots');
});

t.test('a region that is used again outlives one that was used once', async (t) => {
  const source = new FakeSource(64 * KIB, patternAt);
  const slots = new Slots(source, OPTIONS);
  for (const position of [0, 4096, 0, 8192]) read(slots, position, 1);
  t.same([...source.held], ['0-4096', '8192-12288']);
  read(slots, 0, 1);
  read(slots, 4096, 1);
  t.same([...source.held], ['0-4096', '4096-8192']);
  t.match(slots.counters, { hits: 2, misses: 4, evictions: 2 });
  slots.release();
  t.equal(source.held.size, 0);
  slots.release();
  t.same(read(slots, 0, 1), expected(0, 1), 'slots can be used again after a release');
});

t.test('a scan through the whole source leaves what is used again where it is', async (t) => {
  const source = new FakeSource(1024 * KIB, patternAt);
  const slots = new Slots(source, { ...OPTIONS, slots: 8 });
  const hot = [100, 101, 102, 103].map((page) => page * 4096);
  for (const position of [...hot, ...hot]) read(slots, position, 1);
  const { misses } = slots.counters;
  for (let page = 0; page < 100; page++) read(slots, page * 4096, 4096);
  for (const position of hot) read(slots, position, 1);
  t.equal(slots.counters.misses, misses + 100, 'the scan missed once a region, the others not at all');
  t.equal(slots.counters.evictions, 96);
  t.equal(source.held.size, 8);
});

t.test('the last region is clamped to the end of the source', async (t) => {
  const source = new FakeSource(5000, patternAt);
  const slots = new Slots(source, OPTIONS);
  t.same(read(slots, 4999, 1), expected(4999, 1));
  t.same([...source.held], ['4096-5000']);
});

for (const policy of ['auto', 'mmap', 'read'] as const) {
  t.test(`reading beyond the end is an error (${policy})`, async (t) => {
    const slots = new Slots(new FakeSource(5000, patternAt), { ...OPTIONS, policy });
    for (const [position, length] of [
      [4999, 2],
      [5000, 1],
      [8192, 1],
      [2 ** 53 - 1, 100],
    ] as const) {
      t.throws(() => read(slots, position, length), { code: 'ERR_VMCORE_TRUNCATED' }, `${position}`);
    }
    t.same(read(slots, 5000, 0), new Uint8Array());
  });
}

t.test('a map that fails is tried smaller', async (t) => {
  const source = new FakeSource(MIB, patternAt, { refusesMap: (_, length) => length > 128 * KIB });
  const slots = new Slots(source, { ...OPTIONS, regionBytes: 512 * KIB });
  t.same(read(slots, 700_000, 3), expected(700_000, 3));
  t.same(source.calls, ['map 524288+524288', 'map 524288+262144', 'map 655360+131072']);
  t.same(slots.counters.failures, { EAGAIN: 2 }, 'by the reason of the system');
});

t.test('what can not be mapped at all is read', async (t) => {
  const source = new FakeSource(MIB, patternAt, { refusesMap: () => true });
  const slots = new Slots(source, { ...OPTIONS, regionBytes: 128 * KIB });
  t.same(read(slots, 700_000, 3), expected(700_000, 3));
  t.same(source.calls, ['map 655360+131072', 'map 655360+65536', 'pread 699392+1024']);
  t.same(read(slots, 699_392, 1), expected(699_392, 1));
  t.equal(source.calls.length, 3, 'what was read is kept');
});

t.test('a failure in one place does not change how others are reached', async (t) => {
  const source = new FakeSource(64 * KIB, patternAt, { refusesMap: (position) => position === 4096 });
  const slots = new Slots(source, OPTIONS);
  t.same(read(slots, 0, 12_000), expected(0, 12_000));
  t.same(source.calls.slice(0, 4), ['map 0+4096', 'map 4096+4096', 'pread 4096+1024', 'map 4096+4096']);
  t.equal(source.calls.at(-1), 'map 8192+4096');
});

t.test('with the policy read nothing is mapped', async (t) => {
  const source = new FakeSource(5000, patternAt);
  const slots = new Slots(source, { ...OPTIONS, policy: 'read' });
  t.same(read(slots, 1000, 4000), expected(1000, 4000));
  t.same(source.calls, [
    'pread 0+1024',
    'pread 1024+1024',
    'pread 2048+1024',
    'pread 3072+1024',
    'pread 4096+904',
  ]);
});

t.test('memory that was read into is read into again', async (t) => {
  const slots = new Slots(new FakeSource(16 * KIB, patternAt), { ...OPTIONS, slots: 1, policy: 'read' });
  const arrays = new Set<ArrayBufferLike>();
  for (const position of [0, 5000, 10_000, 16_383]) {
    const { bytes, start } = slots.window(position);
    arrays.add(bytes.buffer);
    t.same(bytes, expected(start, bytes.length), `${start}`);
  }
  t.equal(arrays.size, 1);
});

t.test('a stretch that is lost fails once for each of the smallest reads', async (t) => {
  const source = new FakeSource(256 * KIB, (position) => {
    if (position < 64 * KIB) throw new VmcoreError('ERR_VMCORE_IO', 'lost');
    return patternAt(position);
  });
  const lengths = { regionBytes: 64 * KIB, readBytes: 64 * KIB };
  const slots = new Slots(source, { slots: 1, ...lengths, policy: 'read' });
  const readAll = (from: number, to: number, look: (position: number) => void): number[] => {
    source.calls.length = 0;
    for (let position = from; position < to; position += 4 * KIB) look(position);
    return source.calls.map((call) => Number(call.split('+')[1]) / KIB);
  };
  const lost = readAll(0, 64 * KIB, (at) => t.throws(() => slots.window(at), { code: 'ERR_VMCORE_IO' }));
  t.same(lost, [64, 32, 16, 8, ...new Array<number>(16).fill(4)]);
  const there = readAll(64 * KIB, 256 * KIB, (at) => t.same(read(slots, at, 10), expected(at, 10)));
  t.same(there, [4, 8, 16, 32, 64, 64, 64], 'and behind it they are soon as long as before');
});

t.test('the memory of a Buffer that is the core is not read into', async (t) => {
  const core = Buffer.from(expected(0, 8 * KIB));
  const slots = new Slots(new BufferSource(core), { ...OPTIONS, slots: 1 });
  for (const position of [0, 4096, 0]) slots.window(position);
  const reading = new Slots(new BufferSource(core), { ...OPTIONS, slots: 1, policy: 'read' });
  for (const position of [0, 4096, 0]) reading.window(position);
  t.same(new Uint8Array(core), expected(0, 8 * KIB));
});

t.test('a region longer than a window is read through several', async (t) => {
  const file = patternFile(t.testdir(), WINDOW_BYTES + 2 * PAGE);
  const source = new FileSource(file);
  const slots = new Slots(source, { ...OPTIONS, regionBytes: 2 * WINDOW_BYTES });
  t.same(read(slots, WINDOW_BYTES - 3, 6), expected(WINDOW_BYTES - 3, 6));
  t.match(slots.counters, { hits: 1, misses: 1 });
  const stale = slots.window(WINDOW_BYTES);
  t.equal(stale.start, WINDOW_BYTES);
  t.equal(stale.end, WINDOW_BYTES + 2 * PAGE);
  t.equal(mappingsOf(file), 1);
  slots.release();
  t.equal(mappingsOf(file), 0);
  t.equal(stale.bytes.length, 0, 'a window that is kept is empty');
  source.close();
});

t.test(
  'a file that is cut off while it is mapped is an error, not zeros',
  beyondEmulation('sigbus'),
  async (t) => {
    const file = patternFile(t.testdir(), 8 * PAGE);
    const source = new FileSource(file);
    const slots = new Slots(source, { ...OPTIONS, regionBytes: 8 * PAGE });
    t.same(read(slots, 5 * PAGE, 4), expected(5 * PAGE, 4));
    truncateSync(file, 2 * PAGE);
    t.same(read(slots, PAGE, 4), expected(PAGE, 4), 'what is left can be read');
    t.throws(() => read(slots, 6 * PAGE, 4), { code: 'ERR_VMCORE_FAULT', file, offset: 0 });
    t.throws(() => slots.check(), { code: 'ERR_VMCORE_FAULT' });
    slots.release();
    slots.check();
    source.close();
  },
);

t.test('a Buffer whose memory was transferred away is an error, not zeros or a hang', async (t) => {
  const bytes = Uint8Array.from({ length: 8192 }, (_, i) => patternAt(i));
  const slots = new Slots(new BufferSource(bytes), OPTIONS);
  t.same(read(slots, 10, 4), expected(10, 4));
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  t.throws(() => read(slots, 10, 4), { code: 'ERR_VMCORE_FAULT' }, 'a region that was held');
  t.throws(() => read(slots, 5000, 4), { code: 'ERR_VMCORE_FAULT' }, 'a new region');
  const reading = new Slots(new BufferSource(bytes), { ...OPTIONS, policy: 'read' });
  t.throws(() => read(reading, 10, 4), { code: 'ERR_VMCORE_TRUNCATED' }, 'a source without bytes');
});
