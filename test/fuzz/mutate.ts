import type { Random } from './random.ts';

/** Values that fields of headers are wrong in: where counts wrap, signs change, and pages and limits end. */
const EXTREMES: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xfffn,
  0x1000n,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 40n,
  (1n << 52n) - 1n,
  1n << 52n,
  (1n << 53n) + 1n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 4096n,
  (1n << 64n) - 1n,
];

/** Where a format keeps what it says of itself: damage there goes deeper than in the pages. */
export type Places = readonly (readonly [start: number, end: number])[];

/** A damaged copy: one to four changes. */
export function mutate(original: Uint8Array, places: Places, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let changes = 1 + random.below(4); changes > 0; changes--) bytes = change(bytes, places, random);
  return bytes;
}

function change(bytes: Buffer, places: Places, random: Random): Buffer {
  if (bytes.length === 0) return Buffer.from([random.below(256)]);
  const at = placeIn(bytes, places, random);
  const other = placeIn(bytes, places, random);
  const length = 1 + random.below(random.pick([4, 16, 64, 512]));
  switch (random.below(10)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = random.below(256);
      return bytes;
    case 2: // a field becomes nearly what it was
      bytes[at]! += random.pick([1, -1, 2, -2, 8, -8]);
      return bytes;
    case 3:
      bytes.fill(random.pick([0, 0xff]), at, Math.min(bytes.length, at + length));
      return bytes;
    case 4: // another field's value, or an overlap
      bytes.copy(bytes, at, other, Math.min(bytes.length, other + length));
      return bytes;
    case 5: // what follows is moved
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + length))]);
    case 6:
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(other, other + length),
        bytes.subarray(at),
      ]);
    case 7:
      return random.below(4) === 0 ? bytes.subarray(0, at) : writeExtreme(bytes, at, random);
    default:
      return writeExtreme(bytes, at, random);
  }
}

/** On a boundary of its own size, as fields are. */
function writeExtreme(bytes: Buffer, place: number, random: Random): Buffer {
  const size = random.pick([1, 2, 4, 8]);
  const at = place - (place % Math.min(size, 4));
  if (at + size > bytes.length) return bytes;
  const field = Buffer.alloc(8);
  const value = BigInt.asUintN(8 * size, random.pick(EXTREMES));
  if (random.below(2) === 0) {
    field.writeBigUInt64LE(value);
    field.copy(bytes, at, 0, size);
  } else {
    field.writeBigUInt64BE(value);
    field.copy(bytes, at, 8 - size, 8);
  }
  return bytes;
}

function placeIn(bytes: Uint8Array, places: Places, random: Random): number {
  const [start, end] = random.below(5) === 0 || places.length === 0 ? [0, bytes.length] : random.pick(places);
  return Math.min(bytes.length - 1, start + random.below(Math.max(1, end - start)));
}
