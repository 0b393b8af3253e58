// Stretches of bytes of which parts are wanted.
import fc from 'fast-check';
import t from 'tap';
import { Parts, packParts } from '../../lib/access/parts.ts';

interface Wanted {
  readonly gap: number;
  readonly bytes: number;
}

const wantedList = fc.array(fc.record({ gap: fc.nat(9), bytes: fc.integer({ min: 1, max: 9 }) }), {
  minLength: 1,
  maxLength: 200,
});

function partsOf(list: readonly Wanted[]): Parts {
  const parts = new Parts();
  list.forEach(({ gap, bytes }, i) => {
    parts.push(i === 0 ? 0 : gap, bytes);
  });
  return parts;
}

/** Which bytes of the stretch are wanted: one by one. */
function positions(list: readonly Wanted[]): number[] {
  let at = -list[0]!.gap;
  return list.flatMap(({ gap, bytes }) => {
    at += gap + bytes;
    return Array.from({ length: bytes }, (_, i) => at - bytes + i);
  });
}

t.test('wanted bytes come one after another, also within the same memory', async () => {
  fc.assert(
    fc.property(wantedList, fc.nat(5), (list, from) => {
      const parts = partsOf(list);
      const bytes = Uint8Array.from({ length: from + parts.span }, (_, i) => (i * 7 + 3) & 0xff);
      const expected = positions(list).map((at) => bytes[from + at]!);
      const into = new Uint8Array(parts.wanted + 1);
      packParts(parts, bytes, from, into);
      packParts(parts, bytes, from, bytes);
      const same = expected.every((byte, i) => into[i] === byte && bytes[i] === byte);
      return same && parts.wanted === expected.length && into.at(-1) === 0;
    }),
  );
});

t.test('neighbours are one part, and parts are used again', async (t) => {
  const parts = partsOf([
    { gap: 0, bytes: 3 },
    { gap: 0, bytes: 4 },
    { gap: 2, bytes: 1 },
  ]);
  t.same([...parts.lengths.subarray(0, parts.count)], [7, 2, 1]);
  t.same([parts.wanted, parts.span], [8, 10]);
  parts.clear();
  t.same([parts.count, parts.wanted, parts.span], [0, 0, 0]);
  parts.push(0, 5);
  t.same([...parts.lengths.subarray(0, parts.count)], [5]);
});
