// Numbers as DWARF stores them; examples of LEB128 are those of DWARF 5, 7.6.
import t from 'tap';
import { ByteCursor } from '../../lib/vmlinux/byte-cursor.ts';

function cursor(...bytes: number[]): ByteCursor {
  return new ByteCursor(Uint8Array.from(bytes), true);
}

t.test('LEB128', async (t) => {
  const unsigned: [number, number[]][] = [
    [2, [2]],
    [127, [127]],
    [128, [0x80, 1]],
    [129, [0x81, 1]],
    [12857, [0xb9, 0x64]],
    [1, [0x81, 0x80, 0x80, 0x00]],
  ];
  for (const [value, bytes] of unsigned) t.equal(cursor(...bytes).uleb(), value);
  const signed: [number, number[]][] = [
    [2, [2]],
    [-2, [0x7e]],
    [127, [0xff, 0]],
    [-127, [0x81, 0x7f]],
    [128, [0x80, 1]],
    [-128, [0x80, 0x7f]],
    [-129, [0xff, 0x7e]],
  ];
  for (const [value, bytes] of signed) t.equal(cursor(...bytes).sleb(), value);
});

t.test('fixed sizes, in both byte orders', async (t) => {
  const bytes = Uint8Array.from({ length: 18 }, (_, i) => i + 1);
  const little = new ByteCursor(bytes, true);
  t.same(
    [little.u8(), little.u16(), little.u24(), little.u32(), little.u64()],
    [1, 0x0302, 0x060504, 0x0a090807, Number(0x1211100f0e0d0c0bn)],
  );
  const big = new ByteCursor(bytes, false);
  t.same(
    [big.u8(), big.u16(), big.u24(), big.u32(), big.u64()],
    [1, 0x0203, 0x040506, 0x0708090a, Number(0x0b0c0d0e0f101112n)],
  );
  t.equal(little.at, 18);
});

t.test('the end of the bytes, and numbers and strings without one', async (t) => {
  t.throws(() => cursor().u8(), RangeError);
  t.throws(() => cursor(0x80).uleb(), RangeError);
  t.throws(() => cursor(...Array(400).fill(0x80), 0).uleb(), { name: 'RangeError', message: /no end/ });
  t.throws(() => cursor(...Array(400).fill(0x80), 0).sleb(), { name: 'RangeError', message: /no end/ });
  t.throws(() => cursor(1, 2).skip(3), RangeError);
  t.throws(() => cursor(65, 66).cstring(10), RangeError);
  const strings = cursor(65, 66, 0, 67, 68, 69, 0, 70, 0);
  t.same([strings.cstring(2), strings.cstring(2), strings.cstring(2)], ['AB', undefined, 'F']);
});
