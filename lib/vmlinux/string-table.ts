import type { SectionStream } from './section-stream.ts';

const PIECE_BYTES = 1 << 20;

/**
 * Where strings lie in a string table: by offset, also in the tail of a longer string, where linkers put what ends alike.
 * Strings have at most `PIECE_BYTES` bytes.
 */
export async function findStrings(
  table: SectionStream,
  strings: Iterable<string>,
): Promise<Map<number, string>> {
  const wanted = [...strings].map((text) => ({ text, bytes: Buffer.from(`${text}\0`, 'latin1') }));
  const longest = Math.max(0, ...wanted.map(({ bytes }) => bytes.length));
  const found = new Map<number, string>();
  let carried = Buffer.alloc(0);
  while (table.position < table.size) {
    const start = table.position - carried.length;
    const piece = await table.read(Math.min(PIECE_BYTES, table.size - table.position));
    const bytes = Buffer.concat([carried, piece]);
    for (const one of wanted) {
      for (let at = bytes.indexOf(one.bytes); at >= 0; at = bytes.indexOf(one.bytes, at + 1)) {
        found.set(start + at, one.text);
      }
    }
    // What begins in this piece and ends in the next one.
    carried = bytes.subarray(Math.max(0, bytes.length - longest));
  }
  return found;
}
