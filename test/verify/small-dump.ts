// Dumps of a small memory, as bytes.
import { type CodecName, codec } from '../../lib/codecs/registry.ts';
import { bitmap, description, PAGE, type TestDump, writePages } from '../output/memory.ts';
import { MemorySink } from '../output/memory-sink.ts';

export { PAGE };

/** Page frames that the dump leaves out. */
const isExcluded = (pfn: number) => pfn % 16 === 5;

/** Headers and sub header, a block for each bitmap. */
export const layout = {
  header: 0,
  subHeader: PAGE,
  bitmap1: 2 * PAGE,
  bitmap2: 3 * PAGE,
  descriptors: 4 * PAGE,
};

export interface SmallDump {
  readonly bytes: Buffer;
  readonly pages: number;
  /** Where the stored pages begin. */
  readonly data: number;
}

export async function smallDump(
  name: CodecName | 'none' = 'zlib',
  changes: Partial<TestDump> = {},
): Promise<SmallDump> {
  const sink = new MemorySink();
  const used = name === 'none' ? undefined : codec(name);
  const bitmap2 = bitmap((pfn) => !isExcluded(pfn));
  const writer = await writePages(
    sink,
    description({ dumpLevel: 1, bitmap2, ...changes, codec: used }),
    used,
  );
  await writer.finish();
  return { bytes: sink.bytes, pages: writer.pages, data: layout.descriptors + 24 * writer.pages };
}

/** The dump up to a byte. */
export function cutOff({ bytes }: SmallDump, end: number): Buffer {
  return bytes.subarray(0, end);
}

/** The dump with zeros from a byte on. */
export function unwritten({ bytes }: SmallDump, from: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0, from);
  return copy;
}

/** The dump with one bit changed. */
export function flipped({ bytes }: SmallDump, at: number, bit = 0): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1 << bit;
  return copy;
}
