// Which blocks have nothing but zeros.
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import { openSource, PAGE, patternFile } from './support.ts';

t.test('blocks of any size, also of a window', async (t) => {
  const into = new Uint8Array(8).fill(9);
  t.equal(native().zeroBlocks(Uint8Array.of(0, 0, 0, 1, 0, 0, 2, 0, 0), 2, into), 2);
  t.same([...into], [1, 0, 1, 0, 9, 9, 9, 9], 'what is less than a block is left alone');
  t.equal(native().zeroBlocks(Uint8Array.of(0, 1, 0), 1, into), 2);
  t.same([...into.subarray(0, 3)], [1, 0, 1]);
  t.equal(native().zeroBlocks(new Uint8Array(0), PAGE, into), 0);

  using opened = openSource(patternFile(t.testdir(), 2 * PAGE));
  const region = opened.source.map(0, 2 * PAGE);
  t.equal(native().zeroBlocks(new Uint8Array(region.window(0, 2 * PAGE)), PAGE, into), 0);
  t.same([...into.subarray(0, 2)], [0, 0]);
  region.unmap();
});

t.test('wrong arguments', async (t) => {
  using opened = openSource(patternFile(t.testdir(), PAGE));
  const region = opened.source.map(0, PAGE);
  const window = new Uint8Array(region.window(0, PAGE));
  const zeroBlocks = (...args: unknown[]) => Reflect.apply(native().zeroBlocks, undefined, args);
  t.throws(() => zeroBlocks(new Uint8Array(8), 0, new Uint8Array(8)), RangeError, 'blocks of nothing');
  t.throws(() => zeroBlocks(new Uint8Array(8), 2, new Uint8Array(3)), RangeError, 'too little room');
  t.throws(() => zeroBlocks(new Uint8Array(8), 2, window), RangeError, 'a window is read-only');
  t.throws(() => zeroBlocks(new Uint16Array(8), 2, new Uint8Array(8)), TypeError);
  t.throws(() => zeroBlocks(new Uint8Array(8), 2, [0]), TypeError);
  region.unmap();
});
