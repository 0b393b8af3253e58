import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { PAGE_COMPRESSION } from '../codecs/codec.ts';
import { VmcoreError } from '../errors.ts';
import { PageBitmap } from '../filter/bitmap.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import { descriptorsStart, type KdumpFacts } from '../formats/kdump-headers.ts';
import { DESCRIPTOR_SIZE, decodeDescriptor, type PageDescriptor } from '../formats/kdump-layout.ts';
import type { KdumpMember } from '../formats/kdump-source.ts';
import { MISSING_PAGE, type PageBatch, ZERO_PAGE } from '../output/page-batch.ts';

/** Bytes of stored pages that are read together: a few milliseconds on a slow disk. */
const BATCH_BYTES = 1024 * 1024;
/** Pages of a batch at most: 96 KiB of descriptors. */
const BATCH_PAGES = 4096;

const FLAGS: readonly number[] = [0, ...Object.values(PAGE_COMPRESSION)];

/** The pages of a kdump-compressed file as they are stored. */
export class StoredPages {
  readonly #source: ByteSource;
  readonly #facts: KdumpFacts;
  readonly #pages: number;
  readonly #descriptorsOffset: number;
  readonly #dataOffset: number;
  readonly #descriptors = new DataView(new ArrayBuffer(BATCH_PAGES * DESCRIPTOR_SIZE));
  readonly #data: Uint8Array;

  constructor({ source, startPfn, endPfn }: KdumpMember, facts: KdumpFacts, bitmap2: Uint8Array) {
    const { blockSize, maxMapnr } = facts;
    const bitmap = new PageBitmap(maxMapnr, bitmap2);
    this.#source = source;
    this.#facts = facts;
    this.#pages = bitmap.count(startPfn, endPfn);
    this.#descriptorsOffset = descriptorsStart(facts);
    this.#dataOffset = this.#descriptorsOffset + bitmap.count() * DESCRIPTOR_SIZE;
    this.#data = new Uint8Array(Math.max(BATCH_BYTES, blockSize));
  }

  /**
   * All pages in their order. A batch is valid until the next one is asked for.
   * @throws VmcoreError ERR_VMCORE_CORRUPT for a descriptor that is none, ERR_VMCORE_TRUNCATED, ERR_VMCORE_IO.
   */
  *batches(): Generator<PageBatch> {
    for (let first = 0; first < this.#pages; ) {
      const count = Math.min(BATCH_PAGES, this.#pages - first);
      const bytes = new Uint8Array(this.#descriptors.buffer, 0, count * DESCRIPTOR_SIZE);
      const position = this.#descriptorsOffset + first * DESCRIPTOR_SIZE;
      requireRange(this.#source, position, bytes.length);
      this.#source.read(position, bytes);
      for (let done = 0; done < count; ) {
        const batch = this.#batch(first, done, count);
        done += batch.count;
        yield batch;
      }
      first += count;
    }
  }

  /** The pages of descriptors `from` on, below `end`, as many as there is room for; at least one. */
  #batch(first: number, from: number, end: number): PageBatch {
    const sizes = new Uint32Array(end - from);
    const flags = new Uint32Array(end - from);
    const run = { offset: 0, start: 0, end: 0 };
    let i = from;
    for (; i < end; i++) {
      const page = this.#descriptor(i, first + i);
      if (run.end + page.size > this.#data.length) break;
      sizes[i - from] = page.size;
      flags[i - from] = page.flags;
      if (page.size === 0) continue;
      if (page.offset !== run.offset + (run.end - run.start)) {
        this.#read(run);
        run.offset = page.offset;
        run.start = run.end;
      }
      run.end += page.size;
    }
    this.#read(run);
    return { count: i - from, sizes, flags, data: this.#data.subarray(0, run.end) };
  }

  /** Stored pages that lie together are read together. */
  #read({ offset, start, end }: { offset: number; start: number; end: number }): void {
    if (end === start) return;
    requireRange(this.#source, offset, end - start);
    this.#source.read(offset, this.#data.subarray(start, end));
  }

  #descriptor(i: number, index: number): PageDescriptor {
    const { littleEndian, blockSize, dumpLevel } = this.#facts;
    const descriptor = decodeDescriptor(this.#descriptors, i * DESCRIPTOR_SIZE, littleEndian);
    const { offset, size, flags } = descriptor;
    if (offset === 0) return { offset: 0, size: 0, flags: MISSING_PAGE };
    const isStored = flags === 0 ? size === blockSize : size > 0 && size <= blockSize;
    if (offset < this.#dataOffset || !Number.isSafeInteger(offset) || !isStored || !FLAGS.includes(flags)) {
      const { name: file } = this.#source;
      const what = `page descriptor ${index} says ${size} bytes at ${offset}, flags ${flags}`;
      const position = this.#descriptorsOffset + index * DESCRIPTOR_SIZE;
      throw new VmcoreError('ERR_VMCORE_CORRUPT', `${file}: ${what}`, { file, offset: position });
    }
    if (offset === this.#dataOffset && flags === 0 && dumpLevel & LEVEL_ZERO)
      return { offset, size: 0, flags: ZERO_PAGE };
    return descriptor;
  }
}
