import { closeSync, fstatSync, openSync, readFileSync, truncateSync } from 'node:fs';
import t from 'tap';
import { BufferSource } from '../../lib/access/buffer-source.ts';
import type { ByteSource } from '../../lib/access/byte-source.ts';
import { countersBetween } from '../../lib/access/counters.ts';
import { FileSource } from '../../lib/access/file-source.ts';
import { MappedRegion } from '../../lib/access/region.ts';
import type { NativeRegion } from '../../types/native.d.ts';
import { mappingsOf, PAGE, patternAt, patternFile } from '../native/support.ts';

const SIZE = 5 * PAGE + 100;
const file = patternFile(t.testdir(), SIZE);

function expected(position: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => patternAt(position + i));
}

const kinds: [string, () => ByteSource][] = [
  ['file', () => new FileSource(file)],
  ['buffer', () => new BufferSource(readFileSync(file))],
];

for (const [kind, open] of kinds) {
  t.test(`${kind}: reads and maps are those of the file, up to its end`, async (t) => {
    const source = open();
    t.equal(source.size, SIZE);
    const into = new Uint8Array(200);
    source.read(SIZE - 200, into);
    t.same(into, expected(SIZE - 200, 200));
    source.read(SIZE, new Uint8Array(0));
    for (const position of [SIZE - 199, SIZE, 2 ** 52, -1, Number.NaN]) {
      t.throws(() => source.read(position, into), { code: 'ERR_VMCORE_TRUNCATED' }, `offset ${position}`);
    }

    const region = source.map(PAGE, 100 * PAGE);
    t.equal(region.start, PAGE);
    t.equal(region.end, SIZE, 'clamped to the end');
    const window = region.window(SIZE - 1);
    t.same(window.bytes.subarray(SIZE - 4 - window.start), expected(SIZE - 4, 4));
    region.check();
    region.release();
    region.release();
    source.close();
    source.close();
  });
}

t.test('calls are counted, and a difference of counters keeps what is a state', async (t) => {
  const source = new FileSource(file);
  source.read(0, new Uint8Array(10));
  const first = source.map(0, 2 * PAGE);
  const before = source.counters();
  t.match(before, { preads: 1, preadBytes: 10, maps: 1, mapBytes: 2 * PAGE, mapped: 2 * PAGE });
  const second = source.map(PAGE, PAGE);
  first.release();
  source.read(0, new Uint8Array(20));
  t.same(countersBetween(before, source.counters()), {
    maps: 1,
    mapBytes: PAGE,
    mapErrors: 0,
    unmaps: 1,
    unmapBytes: 2 * PAGE,
    unmapErrors: 0,
    preads: 1,
    preadBytes: 20,
    preadErrors: 0,
    mapped: PAGE,
    mappedHighWater: 3 * PAGE,
  });
  second.release();
  source.close();
});

t.test('a path is closed by close(), a descriptor is left to the caller', async (t) => {
  const fd = openSync(file, 'r');
  const source = new FileSource(fd);
  t.equal(source.name, `descriptor ${fd}`);
  source.close();
  t.throws(() => source.read(0, new Uint8Array(1)), { code: 'ERR_VMCORE_CLOSED' });
  t.throws(() => source.map(0, PAGE), { code: 'ERR_VMCORE_CLOSED' });
  t.equal(fstatSync(fd).size, SIZE);
  closeSync(fd);
  t.throws(() => new FileSource(fd), { code: 'ERR_VMCORE_OPEN', cause: { code: 'EBADF' } });
});

t.test('a descriptor that its owner closed too early', async (t) => {
  const fd = openSync(file, 'r');
  const source = new FileSource(fd);
  closeSync(fd);
  const lost = { code: 'ERR_VMCORE_IO', file: `descriptor ${fd}`, cause: { code: 'EBADF' } };
  t.throws(() => source.read(0, new Uint8Array(1)), lost);
  t.throws(() => source.checkLength(1), lost);
});

t.test('a region that can not be unmapped is released by another try', async (t) => {
  let tries = 0;
  const region: NativeRegion = {
    length: PAGE,
    address: 0n,
    faulted: false,
    window: () => new ArrayBuffer(0),
    gather: () => {},
    // As munmap(2) has it near vm.max_map_count.
    unmap: () => {
      if (tries++ === 0) throw Object.assign(new Error('ENOMEM'), { code: 'ENOMEM' });
    },
  };
  const mapped = new MappedRegion(region, PAGE, 2 * PAGE, file);
  const failure = { code: 'ERR_VMCORE_IO', file, offset: PAGE, cause: { code: 'ENOMEM' } };
  t.throws(() => mapped.release(), failure);
  mapped.release();
  t.equal(tries, 2);
});

t.test('a file that shrinks while it is read is truncated, not zeros', async (t) => {
  const path = patternFile(t.testdir(), 4 * PAGE);
  const source = new FileSource(path);
  truncateSync(path, PAGE);
  const into = new Uint8Array(PAGE);
  t.throws(() => source.read(PAGE - 10, into), { code: 'ERR_VMCORE_TRUNCATED', offset: PAGE, file: path });
  source.close();
});

t.test('a map in the middle of a page, or beyond the end, fails with the cause', async (t) => {
  const source = new FileSource(file);
  for (const position of [100, 6 * PAGE, 2 ** 50]) {
    t.throws(() => source.map(position, PAGE), { code: 'ERR_VMCORE_IO', offset: position }, `${position}`);
  }
  t.equal(mappingsOf(file), 0);
  source.close();
});

t.test('maps of a file below /proc cost page tables at once, those of other files do not', async (t) => {
  const fd = openSync(file, 'r');
  const proc = openSync('/proc/version', 'r');
  const sources: [FileSource, string][] = [
    [new FileSource(file), 'lazy'],
    [new FileSource(fd), 'lazy'],
    [new FileSource(`/proc/self/fd/${fd}`), 'lazy'],
    [new FileSource('/proc/version'), 'eager'],
    [new FileSource(proc), 'eager'],
  ];
  for (const [source, mapping] of sources) {
    t.equal(source.mapping, mapping, source.name);
    source.close();
  }
  closeSync(fd);
  closeSync(proc);
});
