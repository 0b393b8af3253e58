// A small physical memory with pages of every kind that matters to a writer, and dumps of it.

import { createHash } from 'node:crypto';
import { FULL_BATCH } from '../../lib/access/memory-budget.ts';
import type { PageCodec } from '../../lib/codecs/codec.ts';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import type { DumpBitmaps, KdumpDescription } from '../../lib/output/kdump.ts';
import { KdumpWriter } from '../../lib/output/kdump.ts';
import type { Sink } from '../../lib/output/sink.ts';
import { PageEncoder } from '../../lib/pipeline/encode.ts';
import { runPython } from '../support/oracles.ts';

export const PAGE = 4096;

/** Ranges of page frames that exist, as [first pfn, number of pages]. The last one does not end at a whole byte. */
export const ranges: readonly [number, number][] = [
  [0x100, 64],
  [0x200, 43],
];

export const maxMapnr = 0x200 + 43;

/** Two empty NT_PRSTATUS notes: what makedumpfile takes for CPUs. */
export const notes = Buffer.concat([prstatus(), prstatus()]);

function prstatus(): Buffer {
  const note = Buffer.alloc(12 + 8 + 336);
  note.writeUInt32LE(5, 0);
  note.writeUInt32LE(336, 4);
  note.writeUInt32LE(1, 8);
  note.write('CORE', 12);
  return note;
}

/** The content of a page frame: zeros, noise that no codec makes smaller, text, or zeros with one bit in the middle. */
export function page(pfn: number): Buffer {
  if (pfn % 4 === 0) return Buffer.alloc(PAGE);
  if (pfn % 4 === 1) return noise(pfn);
  if (pfn % 4 === 2) return Buffer.alloc(PAGE, `page frame ${pfn} `);
  const bytes = Buffer.alloc(PAGE);
  bytes[2000] = 1;
  return bytes;
}

export function noise(seed: number): Buffer {
  const blocks = Array.from({ length: PAGE / 32 }, (_, i) =>
    createHash('sha256').update(`${seed} ${i}`).digest(),
  );
  return Buffer.concat(blocks);
}

export function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Page frames that exist and pass `filter`, as a bitmap. */
export function bitmap(filter: (pfn: number) => boolean = () => true): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(maxMapnr / 8));
  for (const pfn of pfns(filter)) bytes[pfn >> 3]! |= 1 << (pfn & 7);
  return bytes;
}

export function pfns(filter: (pfn: number) => boolean = () => true): number[] {
  const all = ranges.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
  return all.filter(filter);
}

/** A dump with its bitmaps. */
export type TestDump = KdumpDescription & DumpBitmaps;

export function description(changes: Partial<TestDump> = {}): TestDump {
  return {
    pageSize: PAGE,
    littleEndian: true,
    utsname: new Uint8Array(390),
    crashTime: 0,
    maxMapnr,
    nrCpus: 2,
    physBase: 0n,
    dumpLevel: 0,
    notes,
    bitmap1: bitmap(),
    bitmap2: bitmap(),
    ...changes,
  };
}

/** Writes the pages of bitmap 2 in batches of at most `bufferSize` bytes, and leaves finish() or abort() to the caller. */
export async function writePages(
  sink: Sink,
  dump: TestDump,
  codec?: PageCodec,
  bufferSize?: number,
): Promise<KdumpWriter> {
  const writer = new KdumpWriter(dump, sink);
  await writer.beginWith(dump);
  const encoder = new PageEncoder({
    pageSize: PAGE,
    codec,
    shareZeroPages: (dump.dumpLevel & 1) !== 0,
    batch: { ...FULL_BATCH, ...(bufferSize && { bytes: bufferSize }) },
  });
  const wanted = new PageBitmap(dump.maxMapnr, dump.bitmap2);
  for (const [first, count] of ranges) {
    const pfns = Array.from({ length: count }, (_, i) => first + i).filter((pfn) => wanted.has(pfn));
    const bytes = Buffer.concat(pfns.map(page));
    for (let done = 0; done < pfns.length; ) {
      done += encoder.encode(bytes.subarray(done * PAGE));
      if (encoder.full) await appendBatch(writer, encoder);
    }
  }
  await appendBatch(writer, encoder);
  return writer;
}

async function appendBatch(writer: KdumpWriter, encoder: PageEncoder): Promise<void> {
  const batch = encoder.take();
  await writer.append(batch);
  encoder.reuse(batch);
}

/** What libkdumpfile reads for page frames: the SHA-256 of each, or the name of its exception. */
export async function readThroughLibkdumpfile(
  path: string,
  wanted: number[],
): Promise<Record<string, string>> {
  const { stdout } = await runPython('../output/read-pages.py', [path, String(PAGE)], {
    input: JSON.stringify(wanted),
  });
  return JSON.parse(stdout.toString());
}
