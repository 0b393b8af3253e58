import { deflateSync, inflateSync } from 'node:zlib';
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import { openSource, PAGE, patternFile } from './support.ts';

const page = Uint8Array.from({ length: PAGE }, (_, i) => (i * i) >> 8);
const file = patternFile(t.testdir(), PAGE);

function compress(level: number, from: Uint8Array, room = 2 * PAGE): Uint8Array {
  const into = new Uint8Array(room);
  return into.subarray(0, native().deflater(level).compress(from, into));
}

t.test('the zlib of the process', async (t) => {
  const { zlibVersion } = native();
  if (zlibVersion === undefined) return t.throws(() => native().deflater(1), { message: /exports no zlib/ });

  t.test('every level of it makes what node:zlib makes', async (t) => {
    for (let level = 0; level <= 9; level++) {
      t.ok(deflateSync(page, { level }).equals(compress(level, page)), `level ${level}`);
    }
  });

  t.test('a stream is used again, after one that did not fit too', async (t) => {
    const deflater = native().deflater(1);
    const into = new Uint8Array(2 * PAGE);
    const size = deflater.compress(page, into);
    for (const room of [0, 1, 6, size - 1]) {
      t.equal(deflater.compress(page, into.subarray(0, room)), 0, `${room} bytes are too few`);
      t.equal(deflater.compress(page, into.subarray(0, size)), size, 'as many as it takes are enough');
      t.ok(inflateSync(into.subarray(0, size)).equals(page));
    }
    t.ok(
      into.subarray(size).every((byte) => byte === 0),
      'nothing is written behind the end',
    );
  });

  t.test('mapped bytes are compressed in place', async (t) => {
    using opened = openSource(file);
    const region = opened.source.map(0, PAGE);
    const mapped = new Uint8Array(region.window(0, PAGE));
    t.strictSame(inflateSync(compress(6, mapped)), Buffer.from(mapped));
    t.throws(() => native().deflater(1).compress(page, mapped), RangeError);
    region.unmap();
  });

  t.test('wrong arguments are errors', async (t) => {
    const deflater = native().deflater(1);
    t.throws(() => native().deflater(10), RangeError);
    t.throws(() => native().deflater(1.5), RangeError);
    t.throws(() => Reflect.apply(native().deflater, undefined, []), TypeError);
    t.throws(() => Reflect.apply(deflater.compress, deflater, [new Uint16Array(PAGE), page]), TypeError);
    t.throws(() => Reflect.apply(deflater.compress, deflater, [page, 'page']), TypeError);
    t.throws(() => Reflect.apply(deflater.compress, {}, [page, page]), TypeError);
  });
});
