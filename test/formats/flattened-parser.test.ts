// Flattened streams of any shape, right or wrong.
import fc from 'fast-check';
import t from 'tap';
import {
  encodeEndMarker,
  encodeFlattenedHeader,
  encodeRecordHead,
  FLATTENED_HEADER_SIZE,
} from '../../lib/formats/flattened-layout.ts';
import { FlattenedParser } from '../../lib/formats/flattened-parser.ts';

interface Record {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

function streamOf(records: readonly Record[], end: Uint8Array = encodeEndMarker()): Buffer {
  const parts = records.flatMap(({ offset, bytes }) => [encodeRecordHead(offset, bytes.length), bytes]);
  return Buffer.concat([encodeFlattenedHeader(), ...parts, end]);
}

/** What the records stand for: the last that says something of a byte wins. */
function fileOf(records: readonly Record[]): Buffer {
  const file = Buffer.alloc(Math.max(0, ...records.map(({ offset, bytes }) => offset + bytes.length)));
  for (const { offset, bytes } of records) file.set(bytes, offset);
  return file;
}

/** Feeds a stream in chunks of the sizes that are given, again and again. */
function parse(stream: Uint8Array, sizes: readonly number[]): { parser: FlattenedParser; pieces: Record[] } {
  const parser = new FlattenedParser('stream');
  const pieces: Record[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length]!;
    for (const { position, bytes } of parser.feed(stream.subarray(at, at + size))) {
      pieces.push({ offset: position, bytes });
    }
    at += size;
  }
  return { parser, pieces };
}

const record = fc.record({
  offset: fc.integer({ min: 0, max: 300 }),
  bytes: fc.uint8Array({ maxLength: 200 }),
});
const chunkSizes = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 });

t.test('records in any order and overlapping, in chunks of any size', async (t) => {
  fc.assert(
    fc.property(fc.array(record), chunkSizes, (records, sizes) => {
      const { parser, pieces } = parse(streamOf(records), sizes);
      const filled = records.filter(({ bytes }) => bytes.length > 0);
      return parser.isComplete && parser.records === records.length && fileOf(pieces).equals(fileOf(filled));
    }),
  );
  t.pass();
});

t.test('a stream that ends anywhere has no end', async (t) => {
  const whole = streamOf([
    { offset: 0, bytes: Buffer.alloc(100, 1) },
    { offset: 5000, bytes: Buffer.alloc(100, 2) },
  ]);
  for (let length = 0; length < whole.length; length += length < 4090 ? 409 : 1) {
    if (parse(whole.subarray(0, length), [1000]).parser.isComplete) t.fail(`${length} bytes`);
  }
  t.pass();
});

t.test('what comes behind the end marker is ignored', async (t) => {
  const stream = Buffer.concat([streamOf([{ offset: 1, bytes: Buffer.from('a') }]), Buffer.alloc(100, 'x')]);
  const { parser, pieces } = parse(stream, [7]);
  t.equal(parser.isComplete, true);
  t.equal(parser.consumed, stream.length - 100);
  t.equal(pieces.length, 1);
});

t.test('heads of records that are none', async (t) => {
  const head = (offset: bigint, size: bigint) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64BE(offset);
    bytes.writeBigInt64BE(size, 8);
    return bytes;
  };
  const extreme = 2n ** 63n - 1n;
  for (const [offset, size] of [
    [-1n, 0n],
    [0n, -1n],
    [-2n, 10n],
    [extreme, extreme],
    [0n, extreme],
    [extreme, 1n],
    [-(2n ** 63n), -(2n ** 63n)],
  ] as const) {
    const wrong = { code: 'ERR_VMCORE_CORRUPT', offset: FLATTENED_HEADER_SIZE };
    t.throws(() => parse(streamOf([], head(offset, size)), [100]), wrong, `${offset}, ${size}`);
  }
});

t.test('headers of another kind', async (t) => {
  const patched = (at: number, value: number) => {
    const stream = streamOf([]);
    stream[at] = value;
    return stream;
  };
  for (const stream of [patched(0, 0x4d), patched(23, 2), patched(31, 2), patched(12, 0x78)]) {
    t.throws(() => parse(stream, [5000]), { code: 'ERR_VMCORE_FORMAT' });
  }
});
