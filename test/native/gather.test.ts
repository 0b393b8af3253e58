// Whatever is wanted of a file comes one after another, by one call.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { countersOf, openSource, PAGE, patternFile, wantedOf } from './support.ts';

const FILE_BYTES = 64 * PAGE;
const file = patternFile(t.testdir(), FILE_BYTES);
const bytes = new Uint8Array(readFileSync(file));
/** UIO_MAXIOV: what lies behind so many parts is read with its gaps. */
const MOST_VECTORS = 1024;

function sum(parts: readonly number[]): number {
  return parts.reduce((total, part) => total + part, 0);
}

const length = fc.oneof(fc.nat(40), fc.nat(3 * PAGE), fc.constant(0));
const partList = fc.oneof(
  fc.array(length, { maxLength: 12 }),
  fc.array(fc.nat(60), { minLength: MOST_VECTORS - 2, maxLength: MOST_VECTORS + 40, size: 'max' }),
);

t.test('what is wanted comes in order, and nothing is written behind the parts', async () => {
  using opened = openSource(file);
  fc.assert(
    fc.property(fc.nat(2 * PAGE), partList, (position, parts) => {
      const span = sum(parts);
      fc.pre(position + span <= FILE_BYTES);
      const into = new Uint8Array(span + 3);
      const whole = opened.source.gather(
        position,
        Int32Array.from(parts),
        parts.length,
        into.subarray(0, span),
      );
      const expected = wantedOf(bytes, position, parts);
      const isThere = Buffer.compare(into.subarray(0, expected.length), expected) === 0;
      return whole && isThere && into.subarray(span).every((byte) => byte === 0);
    }),
    { numRuns: 300 },
  );
});

t.test('each is one call of all bytes, gaps included', async (t) => {
  using opened = openSource(file);
  for (const count of [1, 3, MOST_VECTORS, MOST_VECTORS + 1, 3 * MOST_VECTORS]) {
    const parts = Array.from({ length: count }, (_, i) => 30 + (i % 7));
    const before = countersOf(opened.source);
    t.ok(opened.source.gather(11, Int32Array.from(parts), count, new Uint8Array(sum(parts))));
    const after = countersOf(opened.source);
    t.same(
      [after.preads - before.preads, after.preadBytes - before.preadBytes, after.preadErrors],
      [1, sum(parts), 0],
      `${count} parts`,
    );
  }
});

t.test('only the first parts count', async (t) => {
  using opened = openSource(file);
  const into = new Uint8Array(30);
  t.ok(opened.source.gather(5, Int32Array.of(10, 5, 10, 5, 1000), 3, into));
  t.strictSame(into.subarray(0, 20), wantedOf(bytes, 5, [10, 5, 10]));
});

t.test('a file that ends before the parts do', async (t) => {
  using opened = openSource(file);
  const gather = (position: number, parts: number[]) =>
    opened.source.gather(position, Int32Array.from(parts), parts.length, new Uint8Array(sum(parts)));
  t.equal(gather(FILE_BYTES - 30, [10, 10, 10]), true, 'just there');
  t.equal(gather(FILE_BYTES - 30, [10, 10, 11]), false, 'in a part');
  t.equal(gather(FILE_BYTES - 30, [10, 21, 1]), false, 'in a gap');
  t.equal(gather(FILE_BYTES, [1]), false, 'before');
  t.equal(gather(FILE_BYTES, []), true, 'nothing is there everywhere');
});

t.test('wrong arguments make no call', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, PAGE);
  const window = new Uint8Array(region.window(0, PAGE));
  const gather = (...args: unknown[]) => Reflect.apply(opened.source.gather, opened.source, args);
  const parts = Int32Array.of(10, 5, 10);
  const into = new Uint8Array(25);
  t.throws(
    () => gather(0, parts, 3, into.subarray(1)),
    RangeError,
    'into is shorter than the parts with their gaps',
  );
  t.throws(() => gather(0, parts, 4, into), RangeError, 'more parts than there are');
  t.throws(() => gather(0, Int32Array.of(3, -1, 3), 3, into), RangeError, 'a gap below 0');
  t.throws(() => gather(-1, parts, 3, into), RangeError);
  t.throws(() => gather(0, parts, 3, window), RangeError, 'a window is read-only');
  t.throws(() => gather(0, [10], 1, into), TypeError);
  t.throws(() => gather(0, parts, 3, new Uint16Array(99)), TypeError);
  t.throws(() => gather('0', parts, 3, into), TypeError);
  t.equal(countersOf(opened.source).preads, 0);
  region.unmap();
});

t.test('a descriptor that was closed', async (t) => {
  const opened = openSource(file);
  opened[Symbol.dispose]();
  t.throws(() => opened.source.gather(0, Int32Array.of(1), 1, new Uint8Array(1)), {
    code: 'EBADF',
    syscall: 'preadv',
  });
  t.equal(countersOf(opened.source).preadErrors, 1);
});
