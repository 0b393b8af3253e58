// Records that pass the same tests come as runs, whatever the tests and the records are.
import fc from 'fast-check';
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import { openSource, PAGE, patternFile } from './support.ts';

interface Test {
  readonly word: number;
  readonly mask: number;
  readonly value: number;
}

function encode(words: number, apart: number, tests: readonly Test[]): Int32Array {
  return Int32Array.of(words, apart, ...tests.flatMap(({ word, mask, value }) => [word, mask, value]));
}

/** The same by the description: record by record. */
function expectedRuns(
  records: Int32Array,
  words: number,
  apart: number,
  tests: readonly Test[],
): [number, number][] {
  const runs: [passed: number, length: number][] = [];
  for (let at = 0; at + words <= records.length; at += words) {
    const passed = tests.reduce((bits, { word, mask, value }, i) => {
      return (records[at + word]! & mask) === value ? bits | (1 << i) : bits;
    }, 0);
    const last = runs.at(-1);
    if (last?.[0] === passed && (passed & apart) === 0) last[1]++;
    else runs.push([passed, 1]);
  }
  return runs;
}

function runsOf(into: Int32Array, count: number): [number, number][] {
  return Array.from({ length: count }, (_, i) => [into[2 * i]!, into[2 * i + 1]!]);
}

const WORDS = 6;
/** Few values, so that neighbours are often alike. */
const number = fc.constantFrom(0, 1, 2, 3, -1, 0x7fffffff, -0x80000000);
const test = fc.record({ word: fc.nat(WORDS - 1), mask: number, value: number });
const record = fc.array(number, { minLength: WORDS, maxLength: WORDS });
const recordList = fc
  .array(fc.tuple(record, fc.integer({ min: 1, max: 5 })), { maxLength: 30 })
  .map((groups) => groups.flatMap(([one, times]) => Array.from({ length: times }, () => one)));

t.test('runs are those of the description', async () => {
  const property = fc.property(
    recordList,
    fc.array(test, { minLength: 1, maxLength: 31 }),
    number,
    (list, tests, apart) => {
      const records = Int32Array.from(list.flat());
      const into = new Int32Array(2 * list.length + 2).fill(-7);
      const count = native().recordRuns(
        new Uint8Array(records.buffer),
        0,
        list.length,
        encode(WORDS, apart, tests),
        into,
      );
      const found = JSON.stringify(runsOf(into, count));
      const wanted = JSON.stringify(expectedRuns(records, WORDS, apart, tests));
      if (found !== wanted) throw new Error(`${found} instead of ${wanted}`);
      if (into.subarray(2 * count).some((left) => left !== -7)) throw new Error('more was written');
    },
  );
  fc.assert(property, { numRuns: 1000 });
});

t.test('what does not fit is left for the next call', async (t) => {
  const records = Int32Array.of(1, 1, 2, 2, 2, 3, 3);
  const tests = encode(1, 0, [
    { word: 0, mask: -1, value: 1 },
    { word: 0, mask: -1, value: 2 },
  ]);
  const into = new Int32Array(5);
  const bytes = new Uint8Array(records.buffer);
  t.equal(native().recordRuns(bytes, 0, 7, tests, into), 2);
  t.same([...into], [1, 2, 2, 3, 0]);
  t.equal(native().recordRuns(bytes, 5, 7, tests, into), 1);
  t.same([...into.subarray(0, 2)], [0, 2]);
  t.equal(native().recordRuns(bytes, 3, 4, tests, into), 1, 'only the records that are asked for');
  t.same([...into.subarray(0, 2)], [2, 1]);
  t.equal(native().recordRuns(bytes, 7, 7, tests, into), 0);
  t.equal(native().recordRuns(bytes, 0, 7, tests, new Int32Array(1)), 0);
});

t.test('records of a window, and at any byte', async (t) => {
  using opened = openSource(patternFile(t.testdir(), 4 * PAGE));
  const region = opened.source.map(0, 4 * PAGE);
  const copy = new Uint8Array(4 * PAGE + 1);
  region.gather(0, Int32Array.of(4 * PAGE), 1, copy.subarray(1));
  const tests = encode(2, 0, [{ word: 1, mask: 0x10, value: 0x10 }]);
  const [mapped, shifted] = [new Int32Array(4096), new Int32Array(4096)];
  const window = new Uint8Array(region.window(0, 4 * PAGE));
  const count = native().recordRuns(window, 0, PAGE / 2, tests, mapped);
  t.ok(count > 1);
  t.equal(native().recordRuns(copy.subarray(1), 0, PAGE / 2, tests, shifted), count);
  t.same(shifted, mapped);
  t.throws(() => native().recordRuns(copy, 0, 1, tests, new Int32Array(region.window(0, PAGE))), RangeError);
  region.unmap();
});

t.test('wrong arguments are errors', async (t) => {
  const { recordRuns } = native();
  const bytes = new Uint8Array(64);
  const one: Test = { word: 0, mask: 1, value: 1 };
  const tests = encode(4, 0, [one]);
  const into = new Int32Array(8);
  const wrong: [string, unknown[], typeof TypeError][] = [
    ['no arguments', [], TypeError],
    ['other arrays', [new Int32Array(16), 0, 1, tests, into], TypeError],
    ['tests of bytes', [bytes, 0, 1, new Uint8Array(20), into], TypeError],
    ['into bytes', [bytes, 0, 1, tests, bytes], TypeError],
    ['no number', [bytes, '0', 1, tests, into], TypeError],
    ['records behind the end', [bytes, 0, 5, tests, into], RangeError],
    ['records that end before they begin', [bytes, 2, 1, tests, into], RangeError],
    ['half a record', [bytes, 0.5, 1, tests, into], RangeError],
    ['a negative record', [bytes, -1, 1, tests, into], RangeError],
    ['no tests', [bytes, 0, 1, Int32Array.of(4, 0), into], RangeError],
    ['half a test', [bytes, 0, 1, Int32Array.of(4, 0, 0, 1), into], RangeError],
    ['too many tests', [bytes, 0, 1, encode(4, 0, Array(32).fill(one)), into], RangeError],
    ['records of no words', [bytes, 0, 1, encode(0, 0, [one]), into], RangeError],
    ['a word behind the record', [bytes, 0, 1, encode(4, 0, [{ ...one, word: 4 }]), into], RangeError],
    ['a word before it', [bytes, 0, 1, encode(4, 0, [{ ...one, word: -1 }]), into], RangeError],
    ['records as long as memory', [bytes, 0, 1, encode(-1, 0, [one]), into], RangeError],
    [
      'more words than eight',
      [
        bytes,
        0,
        1,
        encode(
          16,
          0,
          [...Array(9).keys()].map((word) => ({ ...one, word })),
        ),
        into,
      ],
      RangeError,
    ],
  ];
  for (const [what, args, type] of wrong)
    t.throws(() => Reflect.apply(recordRuns, undefined, args), type, what);
});
