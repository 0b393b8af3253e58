import { execFileSync } from 'node:child_process';
import { closeSync, readFileSync, truncateSync } from 'node:fs';
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import {
  collect,
  collectUntil,
  countersOf,
  mappingsOf,
  openSource,
  PAGE,
  patternAt,
  patternFile,
  wantedOf,
} from './support.ts';

const PAGES = 64;
const file = patternFile(t.testdir(), PAGES * PAGE);

t.test('what is mapped is what pread reads and what the file holds', async (t) => {
  using opened = openSource(file);
  const expected = new Uint8Array(readFileSync(file));
  for (const populate of [undefined, false, true]) {
    const region = opened.source.map(2 * PAGE, 8 * PAGE, populate);
    const mapped = new Uint8Array(region.window(0, region.length));
    const read = new Uint8Array(8 * PAGE);
    t.equal(opened.source.pread(read, 0, read.length, 2 * PAGE), read.length);
    t.ok(Buffer.from(read).equals(mapped), 'mapped bytes are the bytes read');
    t.ok(Buffer.from(mapped).equals(expected.subarray(2 * PAGE, 10 * PAGE)), 'and those of the file');
    region.unmap();
  }
});

t.test('pread reads at an offset, short at the end of the file, and nothing behind it', async (t) => {
  using opened = openSource(file);
  const into = new Uint8Array(16).fill(0xee);
  t.equal(opened.source.pread(into, 4, 8, 5), 8);
  t.same(
    [...into],
    [
      ...Array(4).fill(0xee),
      ...Array.from({ length: 8 }, (_, i) => patternAt(5 + i)),
      ...Array(4).fill(0xee),
    ],
  );
  t.equal(opened.source.pread(into, 0, 16, PAGES * PAGE - 3), 3);
  t.equal(opened.source.pread(into, 0, 16, PAGES * PAGE), 0);
  t.equal(opened.source.pread(into, 16, 0, 0), 0, 'zero bytes at the end of the array');
});

t.test('pread fills a Buffer, a subarray and shared memory', async (t) => {
  using opened = openSource(file);
  const buffer = Buffer.alloc(8);
  const whole = new Uint8Array(32);
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  for (const into of [buffer, whole.subarray(8, 16), shared]) {
    t.equal(opened.source.pread(into, 0, 8, PAGE), 8);
    t.same(
      [...into],
      Array.from({ length: 8 }, (_, i) => patternAt(PAGE + i)),
    );
  }
  t.equal(whole[7], 0);
  t.equal(whole[16], 0);
});

t.test('unmap empties every view, and reads of them give undefined', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, 4 * PAGE);
  const windows = [region.window(0, 4 * PAGE), region.window(PAGE, PAGE), region.window(PAGE + 1, 2)];
  const views = windows.map((window) => new Uint8Array(window));
  const words = new DataView(windows[0]!);
  t.equal(views[1]![0], patternAt(PAGE), 'windows may overlap');
  t.equal(views[2]![0], patternAt(PAGE + 1), 'and begin anywhere');
  t.equal(mappingsOf(file), 1);

  region.unmap();
  t.equal(mappingsOf(file), 0);
  for (const [index, view] of views.entries()) {
    t.equal(windows[index]!.byteLength, 0);
    t.equal(view.length, 0);
    t.equal(view[0], undefined);
  }
  t.throws(() => words.getUint8(0), TypeError);
});

t.test('a second unmap does nothing, and there is no window after the first', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, PAGE);
  region.unmap();
  const after = countersOf(opened.source);
  region.unmap();
  t.same(countersOf(opened.source), after);
  t.throws(() => region.window(0, PAGE), { code: 'ERR_UNMAPPED' });
  t.equal(region.length, PAGE);
  t.equal(region.faulted, false);
});

t.test('bytes are gathered from a region, and no window is made', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(PAGE, 2 * PAGE);
  const mapped = new Uint8Array(region.window(0, 2 * PAGE));
  for (const [offset, parts] of [
    [0, [2 * PAGE]],
    [5, [PAGE]],
    [7, [10, 3, 0, 5, PAGE]],
    [2 * PAGE - 1, [1]],
    [2 * PAGE, [0]],
    [PAGE, []],
  ] as const) {
    const expected = wantedOf(mapped, offset, parts);
    const into = new Uint8Array(expected.length + 2);
    region.gather(offset, Int32Array.from(parts), parts.length, into.subarray(1, expected.length + 1));
    t.strictSame(into.subarray(1, expected.length + 1), expected);
    t.strictSame([into[0], into.at(-1)], [0, 0], 'nothing is written beside it');
  }
  const gather = (offset: number, parts: number[], into: Uint8Array, count = parts.length) =>
    region.gather(offset, Int32Array.from(parts), count, into);
  t.throws(() => gather(1, [2 * PAGE], new Uint8Array(2 * PAGE)), RangeError, 'beyond the end');
  t.throws(() => gather(1, [1, 2 * PAGE], new Uint8Array(1)), RangeError, 'a gap beyond the end');
  t.throws(() => gather(2 ** 52, [1], new Uint8Array(1)), RangeError, 'far behind the end');
  t.throws(() => gather(0, [5, 1, 5], new Uint8Array(9)), RangeError, 'into too little');
  t.throws(() => gather(0, [5], new Uint8Array(9), 2), RangeError, 'more parts than there are');
  t.throws(() => gather(0, [5, -1], new Uint8Array(9)), RangeError, 'a part below 0');
  t.throws(() => gather(0, [PAGE], mapped), RangeError, 'into a window');
  t.throws(() => Reflect.apply(region.gather, region, [0, [1], 1, new Uint8Array(1)]), TypeError);
  t.throws(
    () => Reflect.apply(region.gather, region, [0, Int32Array.of(1), 1, new Uint16Array(1)]),
    TypeError,
  );
  region.unmap();
  t.throws(() => gather(0, [1], new Uint8Array(1)), { code: 'ERR_UNMAPPED' });
});

t.test('address is where the kernel says', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(3 * PAGE, 2 * PAGE);
  const line = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .find((text) => text.includes(file));
  t.equal(line?.split('-')[0], region.address.toString(16).padStart(8, '0'));
  t.match(line, / r--p /, 'read-only and private');
  region.unmap();
});

t.test('a window larger than 16 MiB is refused, one of 16 MiB is not', async (t) => {
  const limit = 16 * 1024 * 1024;
  const large = patternFile(t.testdir(), PAGE, 'large');
  truncateSync(large, 2 * limit);
  using opened = openSource(large);
  const region = opened.source.map(0, limit + PAGE);
  t.equal(region.window(PAGE, limit).byteLength, limit);
  t.throws(() => region.window(0, limit + 1), RangeError);
  region.unmap();
});

t.test('100,000 windows in a loop without a turn of the event loop leave no mapping', async (t) => {
  using opened = openSource(file);
  let left = 0;
  for (let i = 0; i < 100_000; i++) {
    const region = opened.source.map(0, PAGE);
    // Held until then: one that was collected before keeps the region until its finalizer runs, see below.
    const window = region.window(0, PAGE);
    region.unmap();
    left += window.byteLength;
  }
  t.equal(left, 0);
  t.equal(mappingsOf(file), 0);
  t.equal(native().mappedBytes(), 0);
  const { maps, unmaps, mappedHighWater } = countersOf(opened.source);
  t.same({ maps, unmaps, mappedHighWater }, { maps: 100_000, unmaps: 100_000, mappedHighWater: PAGE });
});

t.test('a region and its windows that became garbage are unmapped', async (t) => {
  using opened = openSource(file);
  (() => {
    const region = opened.source.map(0, PAGE);
    return new Uint8Array(region.window(0, PAGE))[0];
  })();
  t.ok(await collectUntil(() => native().mappedBytes() === 0));
  t.equal(mappingsOf(file), 0);
  t.equal(countersOf(opened.source).unmaps, 1);
});

t.test('a window keeps its region mapped when the region object is garbage', async (t) => {
  using opened = openSource(file);
  const view = (() => new Uint8Array(opened.source.map(0, PAGE).window(0, PAGE)))();
  await collect();
  t.equal(mappingsOf(file), 1);
  t.equal(view[9], patternAt(9));
});

t.test('windows that became garbage do not hold back unmap for longer than their finalizers', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, 4 * PAGE);
  for (let i = 0; i < 1000; i++) region.window(0, PAGE);
  await collect();
  region.unmap();
  t.ok(await collectUntil(() => countersOf(opened.source).mapped === 0));
});

t.test('wrong arguments throw and make no call', async (t) => {
  using opened = openSource(file);
  const { source } = opened;
  const region = source.map(0, 2 * PAGE);
  const before = countersOf(source);
  const bytes = new Uint8Array(8);
  // Called as JavaScript would, without the compiler's help.
  const call = (target: object, method: string, ...args: unknown[]) =>
    Reflect.apply(Reflect.get(target, method), target, args);
  const notNumbers = [undefined, null, '1', 1n, {}, true];
  const notPositions = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];

  for (const value of notNumbers) {
    t.throws(() => call(native(), 'source', value), TypeError);
    t.throws(() => call(source, 'map', value, PAGE), TypeError);
    t.throws(() => call(source, 'map', 0, value), TypeError);
    t.throws(() => call(region, 'window', value, 1), TypeError);
    t.throws(() => call(region, 'window', 0, value), TypeError);
    t.throws(() => call(source, 'pread', bytes, value, 1, 0), TypeError);
    t.throws(() => call(source, 'pread', bytes, 0, value, 0), TypeError);
    t.throws(() => call(source, 'pread', bytes, 0, 1, value), TypeError);
  }
  for (const value of notPositions) {
    t.throws(() => call(native(), 'source', value), RangeError);
    t.throws(() => call(source, 'map', value, PAGE), RangeError);
    t.throws(() => call(source, 'map', 0, value), RangeError);
    t.throws(() => call(region, 'window', value, 1), RangeError);
    t.throws(() => call(region, 'window', 0, value), RangeError);
    t.throws(() => call(source, 'pread', bytes, value, 1, 0), RangeError);
    t.throws(() => call(source, 'pread', bytes, 0, value, 0), RangeError);
    t.throws(() => call(source, 'pread', bytes, 0, 1, value), RangeError);
  }
  t.throws(() => native().source(2 ** 31), RangeError, 'a descriptor is an int');
  t.throws(() => source.map(1, PAGE), RangeError, 'position is not aligned');
  t.throws(() => source.map(0, PAGE + 1), RangeError, 'length is not aligned');
  t.throws(() => source.map(0, 0), RangeError, 'nothing to map');
  t.throws(() => call(source, 'map', 0, PAGE, 1), TypeError, 'populate is no boolean');
  t.throws(() => region.window(0, 0), RangeError, 'an empty window');
  t.throws(() => region.window(0, 2 * PAGE + 1), RangeError, 'a window that is too long');
  t.throws(() => region.window(PAGE, PAGE + 1), RangeError, 'a window beyond the end');
  t.throws(() => region.window(2 * PAGE, 1), RangeError, 'a window behind the end');
  t.throws(() => region.window(2 ** 52, 1), RangeError, 'a window far behind the end');
  t.throws(() => source.pread(bytes, 0, 9, 0), RangeError, 'more than the array holds');
  t.throws(() => source.pread(bytes, 8, 1, 0), RangeError, 'behind the array');
  t.throws(() => source.pread(bytes, 9, 0, 0), RangeError, 'an offset behind the array');
  t.throws(() => call(source, 'pread', new ArrayBuffer(8), 0, 1, 0), TypeError, 'no typed array');
  t.throws(() => call(source, 'pread', new Int8Array(8), 0, 1, 0), TypeError, 'another typed array');
  t.throws(() => call(source, 'pread', new DataView(new ArrayBuffer(8)), 0, 1, 0), TypeError, 'a DataView');
  t.throws(() => call(source, 'counters', [0]), TypeError, 'no Float64Array');
  t.throws(() => source.counters(new Float64Array(10)), RangeError, 'too few elements');
  t.same(countersOf(source), before);
  region.unmap();
});

t.test('objects cannot be made or mixed up from JavaScript', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, PAGE);
  const Region = Reflect.get(region, 'constructor');
  t.throws(() => Reflect.construct(Region, []), TypeError);
  t.throws(() => Reflect.construct(Region, [], class {}), TypeError);
  t.throws(() => Reflect.apply(Region, undefined, []), TypeError);
  t.throws(() => Reflect.apply(opened.source.map, region, [0, PAGE]), TypeError);
  t.throws(() => Reflect.apply(region.unmap, opened.source, []), TypeError);
  t.throws(() => Reflect.apply(region.unmap, {}, []), TypeError);
  for (const name of ['length', 'address', 'faulted']) {
    const getter = Object.getOwnPropertyDescriptor(Region.prototype, name)!.get!;
    for (const receiver of [opened.source, Region.prototype, {}, 1, undefined]) {
      t.throws(() => Reflect.apply(getter, receiver, []), TypeError, `${name} of ${String(receiver)}`);
    }
    t.equal(Reflect.apply(getter, region, []), Reflect.get(region, name));
  }
  region.unmap();
});

t.test('a window is refused as the target of pread and of counters', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, 2 * PAGE);
  const window = region.window(0, 2 * PAGE);
  const before = countersOf(opened.source);
  t.throws(() => opened.source.pread(new Uint8Array(window), 0, 8, 0), RangeError);
  t.throws(() => opened.source.pread(new Uint8Array(window, PAGE, 8), 0, 8, 0), RangeError);
  t.throws(() => opened.source.counters(new Float64Array(window, 0, 11)), RangeError);
  t.same(countersOf(opened.source), before);
  const stale = new Uint8Array(window);
  region.unmap();
  t.throws(() => opened.source.pread(stale, 0, 8, 0), RangeError, 'nor is a stale one');
});

t.test('errors of the system have code, errno and syscall, and are counted', async (t) => {
  const folder = t.testdir();
  using writeOnly = openSource(patternFile(folder, PAGE), 'a');
  t.throws(() => writeOnly.source.map(0, PAGE), { code: 'EACCES', errno: 13, syscall: 'mmap' });
  t.throws(() => writeOnly.source.pread(new Uint8Array(1), 0, 1, 0), {
    code: 'EBADF',
    errno: 9,
    syscall: 'pread',
  });
  t.match(countersOf(writeOnly.source), { maps: 1, mapBytes: 0, mapErrors: 1, mapped: 0 });
  t.match(countersOf(writeOnly.source), { preads: 1, preadBytes: 0, preadErrors: 1 });

  using directory = openSource(folder);
  t.throws(() => directory.source.map(0, PAGE), { code: 'ENODEV', errno: 19 });
  t.throws(() => directory.source.pread(new Uint8Array(1), 0, 1, 0), { code: 'EISDIR', errno: 21 });

  using opened = openSource(file);
  t.throws(() => opened.source.map(0, 2 ** 50), { code: 'ENOMEM', message: /^ENOMEM: .+, mmap$/ });
  const { source, fd } = openSource(file);
  const region = source.map(0, PAGE);
  closeSync(fd);
  t.throws(() => source.map(0, PAGE), { code: 'EBADF', syscall: 'mmap' });
  t.equal(new Uint8Array(region.window(0, 1))[0], patternAt(0), 'a region outlives its descriptor');
  region.unmap();
});

t.test('counters add up', async (t) => {
  using opened = openSource(file);
  using other = openSource(file);
  const before = native().mappedBytes();
  const first = opened.source.map(0, 4 * PAGE);
  const second = opened.source.map(8 * PAGE, 2 * PAGE);
  const elsewhere = other.source.map(0, PAGE);
  t.equal(native().mappedBytes() - before, 7 * PAGE, 'the sum over all sources');
  elsewhere.unmap();
  first.unmap();
  opened.source.map(0, PAGE).unmap();
  opened.source.pread(new Uint8Array(PAGE), 0, PAGE, 63.5 * PAGE);
  t.same(countersOf(opened.source), {
    maps: 3,
    mapBytes: 7 * PAGE,
    mapErrors: 0,
    unmaps: 2,
    unmapBytes: 5 * PAGE,
    unmapErrors: 0,
    preads: 1,
    preadBytes: PAGE / 2,
    preadErrors: 0,
    mapped: 2 * PAGE,
    mappedHighWater: 6 * PAGE,
  });
  second.unmap();
});

t.test('page size and clock are those of the machine', async (t) => {
  const { pageSize, clock, cycles } = native();
  t.equal(pageSize, Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })));
  const clocks: Record<string, string> = { x64: 'tsc', s390x: 'stckf' };
  t.equal(clock, clocks[process.arch] ?? 'clock');
  const readings = Array.from({ length: 1000 }, () => cycles());
  t.ok(readings.every(Number.isSafeInteger));
  t.ok(
    readings.every((now, i) => i === 0 || now >= readings[i - 1]!),
    'it does not run backwards',
  );
  const start = cycles();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  // 20 ms are 2,000,000 ticks of a clock of 100 MHz; every clock here is faster.
  t.ok(cycles() - start > 2_000_000);
});
