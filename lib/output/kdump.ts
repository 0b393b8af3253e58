import { argumentError, VmcoreError } from '../errors.ts';
import { PageBitmap } from '../filter/bitmap.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import type { FileRange, KdumpLayout, KdumpSubHeader } from '../formats/kdump-layout.ts';
import {
  DESCRIPTOR_SIZE,
  encodeDescriptor,
  encodeHeader,
  encodeSubHeader,
  kdumpLayout,
  STATUS_INCOMPLETE,
  UTSNAME_SIZE,
} from '../formats/kdump-layout.ts';
import { isPageSize } from '../formats/machine.ts';
import type { DumpWriter } from './dump-writer.ts';
import type { PageBatch } from './page-batch.ts';
import { MISSING_PAGE, ZERO_PAGE } from './page-batch.ts';
import type { AbortMode, Sink } from './sink.ts';
import type { SplitPart } from './split.ts';

/** Bitmaps are written in pieces of this many bytes. */
const BITMAP_PIECE = 1024 * 1024;

/** Descriptors are written, and room for them is reserved, in pieces of this many: 768 KiB. */
const DESCRIPTORS_PER_PIECE = 32 * 1024;

/** Everything about a dump but its pages. */
export interface KdumpDescription {
  /** Bytes, see isPageSize(). */
  readonly pageSize: number;
  /** Byte order of the dead kernel. */
  readonly littleEndian: boolean;
  /** struct new_utsname of the dead kernel, raw: 6 strings of 65 bytes. Zeros when it is not known. */
  readonly utsname: Uint8Array;
  /** Seconds since the epoch; 0 when it is not known. */
  readonly crashTime: number;
  /** Page frames, present or not: the bitmaps have as many bits. */
  readonly maxMapnr: number;
  /** Number of NT_PRSTATUS notes. */
  readonly nrCpus: number;
  /** phys_base of x86_64, may be negative; 0 elsewhere. */
  readonly physBase: bigint;
  /** 0 to 31. With bit 0 the dump has a shared zero page. */
  readonly dumpLevel: number;
  /** The payload of the PT_NOTEs, verbatim. */
  readonly notes: Uint8Array;
  /** Where in `notes` the text of VMCOREINFO lies, in bytes. */
  readonly vmcoreinfo?: FileRange | undefined;
  /** What was erased, as makedumpfile's lines of text: `erase NAME size N`. */
  readonly eraseinfo?: Uint8Array | undefined;
  /** STATUS_ bits that a dump had before: one that was incomplete stays so. */
  readonly status?: number | undefined;
  /** What compresses the pages; absent when they are stored raw. Only its flag matters here. */
  readonly codec?: { readonly flag: number } | undefined;
}

/** The bitmaps of a dump, LSB first. Bits from maxMapnr on are zero. */
export interface DumpBitmaps {
  /** Page frames that exist. */
  readonly bitmap1: Uint8Array;
  /** Pages that are dumped, pages of zeros included. */
  readonly bitmap2: Uint8Array;
}

/**
 * Writes a kdump-compressed dump: announce(), addBitmap() for each piece of bitmap 2, begin(), append() until all its pages
 * are there, settle(), finish(); or abort() at any time. One call at a time. Memory is bounded, whatever the number of pages.
 *
 * The bytes depend on nothing but what is handed in, and not on how pages are grouped to batches. Data is written
 * before the descriptors that point to it, and room for these before the data: what is on an incomplete dump's disk
 * can be read, even one that ended because the disk was full.
 */
export class KdumpWriter implements DumpWriter {
  readonly #dump: KdumpDescription;
  readonly #sink: Sink;
  readonly #layout: KdumpLayout;
  #split: SplitPart | undefined;
  /** Bytes of bitmap 2 that were added, and the pages in them. */
  #added = 0;
  #allPages = 0;
  /** Pages that are to be appended: all of bitmap 2, or those of this file of a split set. */
  #dumpable = 0;
  #dataOffset = 0;
  /** Where the next page is stored. */
  #end = 0;
  /** Descriptors that are not written yet. */
  #descriptors = new DataView(new ArrayBuffer(DESCRIPTORS_PER_PIECE * DESCRIPTOR_SIZE));
  #pending = 0;
  /** Those of them up to that of the last page with data: as many however pages without are grouped. */
  #described = 0;
  #flushed = 0;
  #reserved = 0;
  #missingPages = 0;
  #isSettled = false;
  #finishing = false;

  /** @throws VmcoreError ERR_VMCORE_ARGUMENT when the description contradicts itself. */
  constructor(dump: KdumpDescription, sink: Sink) {
    checkDescription(dump);
    this.#dump = dump;
    this.#sink = sink;
    this.#layout = kdumpLayout(dump.pageSize, dump.notes.length, dump.maxMapnr);
  }

  /** Pages appended so far, of all kinds. */
  get pages(): number {
    return this.#flushed + this.#pending;
  }

  /** Appended pages that could not be read. */
  get missingPages(): number {
    return this.#missingPages;
  }

  /** Size of the dump in bytes, as far as it is written. */
  get size(): number {
    return this.#end;
  }

  /**
   * Writes all that comes before bitmap 2. The header is marked incomplete. `bitmap1` are its pieces, of whole blocks but
   * for the last one. Rejects with what the sink rejects with.
   */
  async announce(bitmap1: Iterable<Uint8Array>): Promise<void> {
    const { notes, pageSize, maxMapnr, littleEndian } = this.#dump;
    const { notesOffset, bitmap1Offset } = this.#layout;
    await this.#sink.write(0, this.#header(STATUS_INCOMPLETE));
    await this.#sink.write(pageSize, encodeSubHeader(this.#subHeader(), littleEndian));
    await this.#sink.write(notesOffset, notes);
    let done = 0;
    for (const piece of bitmap1) {
      checkPiece('bitmap 1', piece, done, maxMapnr, pageSize);
      await this.#writeBitmap(bitmap1Offset, done, piece);
      done += piece.length;
    }
    checkLength('bitmap 1', done, maxMapnr);
  }

  /** Writes the next piece of bitmap 2, of whole blocks but for the last one. Rejects with what the sink rejects with. */
  async addBitmap(piece: Uint8Array): Promise<void> {
    const { maxMapnr, pageSize } = this.#dump;
    checkPiece('bitmap 2', piece, this.#added, maxMapnr, pageSize);
    await this.#writeBitmap(this.#layout.bitmap2Offset, this.#added, piece);
    this.#added += piece.length;
    this.#allPages += countBits(piece);
  }

  /** Reads a piece of bitmap 2 back from byte `from` of it on; resolves to false where the sink can't. */
  readBitmap(from: number, into: Uint8Array): Promise<boolean> {
    return this.#sink.readBack(this.#layout.bitmap2Offset + from, into);
  }

  /** Makes this a file of a split set. Everything else is as in the whole dump. */
  async assign(split: SplitPart): Promise<void> {
    const { maxMapnr, pageSize, littleEndian } = this.#dump;
    if (!(0 <= split.startPfn && split.startPfn <= split.endPfn && split.endPfn <= maxMapnr))
      throw argumentError(`a split file of pages ${split.startPfn} to ${split.endPfn} of ${maxMapnr}`);
    this.#split = split;
    await this.#sink.write(pageSize, encodeSubHeader(this.#subHeader(), littleEndian));
  }

  /** announce(), addBitmap() and begin() for bitmaps that are there as a whole. */
  async beginWith({ bitmap1, bitmap2 }: DumpBitmaps): Promise<void> {
    await this.announce([bitmap1]);
    await this.addBitmap(bitmap2);
    await this.begin();
  }

  /** Writes what comes between the bitmaps and the first page. Rejects with what the sink rejects with. */
  async begin(): Promise<void> {
    const { pageSize, maxMapnr, dumpLevel } = this.#dump;
    checkLength('bitmap 2', this.#added, maxMapnr);
    this.#dumpable = this.#split?.pages ?? this.#allPages;
    this.#dataOffset = this.#layout.descriptorsOffset + this.#allPages * DESCRIPTOR_SIZE;
    this.#end = this.#dataOffset;
    if (dumpLevel & LEVEL_ZERO) {
      await this.#sink.write(this.#dataOffset, new Uint8Array(pageSize));
      this.#end += pageSize;
    }
  }

  /**
   * Appends the next pages of bitmap 2. The batch must not change until the promise is settled. After a rejection
   * there is only abort(), which keeps those pages of the batch that did reach the sink.
   */
  async append(batch: PageBatch): Promise<void> {
    this.#checkBatch(batch);
    await this.#makeRoom(batch.count);
    try {
      await this.#sink.write(this.#end, batch.data);
    } catch (error) {
      this.#describe(batch, error instanceof VmcoreError ? (error.offset ?? this.#end) : this.#end);
      throw error;
    }
    this.#describe(batch, Number.POSITIVE_INFINITY);
    // Data without descriptors is lost where the next page finds no room.
    if (!this.#sink.canReserve) await this.#flush(this.#described);
  }

  async settle(): Promise<void> {
    if (this.#isSettled) return;
    if (this.pages !== this.#dumpable) {
      throw argumentError(`bitmap 2 announces ${this.#dumpable} pages, but ${this.pages} were appended`);
    }
    await this.#flush();
    await this.#writeEraseinfo();
    await this.#sink.sync();
    this.#isSettled = true;
  }

  async finish(): Promise<void> {
    await this.settle();
    this.#finishing = true;
    await this.#sink.finish(0, this.#header(this.#missingPages > 0 ? STATUS_INCOMPLETE : 0));
  }

  /**
   * Ends a dump that will not be complete; with `keep` so that the pages that were written can be read. Returns where
   * it lies, if it is kept. Does nothing after finish().
   */
  async abort(mode: AbortMode): Promise<string | undefined> {
    if (mode === 'keep') await this.#leaveReadable();
    return this.#sink.abort(mode);
  }

  /** Where it lies is known only when all pages are there. */
  async #writeEraseinfo(): Promise<void> {
    const { eraseinfo, pageSize, littleEndian } = this.#dump;
    if (!eraseinfo || eraseinfo.length === 0) return;
    const range = { offset: this.#end, size: eraseinfo.length };
    await this.#sink.write(this.#end, eraseinfo);
    this.#end += eraseinfo.length;
    await this.#sink.write(
      pageSize,
      encodeSubHeader({ ...this.#subHeader(), eraseinfo: range }, littleEndian),
    );
  }

  async #leaveReadable(): Promise<void> {
    try {
      await this.#flush();
      // A finish() that failed may have cleared the mark already.
      if (this.#finishing) await this.#sink.write(0, this.#header(STATUS_INCOMPLETE));
    } catch {
      // The sink failed before, and its error was thrown then. At worst some pages less can be read.
    }
  }

  #header(mark: number): Uint8Array {
    const { pageSize: blockSize, codec, littleEndian, status: before = 0 } = this.#dump;
    const status = before | mark | (codec?.flag ?? 0);
    return encodeHeader({ ...this.#dump, ...this.#layout, blockSize, status }, littleEndian);
  }

  #subHeader(): KdumpSubHeader {
    const { physBase, dumpLevel, maxMapnr, notes, vmcoreinfo } = this.#dump;
    const { notesOffset } = this.#layout;
    const none: FileRange = { offset: 0, size: 0 };
    return {
      physBase,
      dumpLevel,
      maxMapnr,
      split: this.#split,
      notes: notes.length > 0 ? { offset: notesOffset, size: notes.length } : none,
      vmcoreinfo: vmcoreinfo ? { ...vmcoreinfo, offset: notesOffset + vmcoreinfo.offset } : none,
    };
  }

  /** Writes the bytes of a bitmap from byte `from` of it on, padded to whole blocks. */
  async #writeBitmap(position: number, from: number, piece: Uint8Array): Promise<void> {
    const { pageSize } = this.#dump;
    const whole = piece.length - (piece.length % pageSize);
    for (let done = 0; done < whole; done += BITMAP_PIECE) {
      await this.#sink.write(
        position + from + done,
        piece.subarray(done, Math.min(done + BITMAP_PIECE, whole)),
      );
    }
    if (whole === piece.length) return;
    const last = new Uint8Array(pageSize);
    last.set(piece.subarray(whole));
    await this.#sink.write(position + from + whole, last);
  }

  /** In memory for the descriptors of the next `count` pages, and in the sink for them too. */
  async #makeRoom(count: number): Promise<void> {
    if ((this.#pending + count) * DESCRIPTOR_SIZE > this.#descriptors.byteLength) await this.#flush();
    if (count * DESCRIPTOR_SIZE > this.#descriptors.byteLength) {
      this.#descriptors = new DataView(new ArrayBuffer(count * DESCRIPTOR_SIZE));
    }
    const lacking = this.pages + count - this.#reserved;
    if (lacking <= 0) return;
    const more = Math.min(Math.max(lacking, DESCRIPTORS_PER_PIECE), this.#dumpable - this.#reserved);
    await this.#sink.reserve(this.#descriptorOffset(this.#reserved), more * DESCRIPTOR_SIZE);
    this.#reserved += more;
  }

  /** Makes descriptors of the pages of `batch`, up to the first one that does not end before `limit`. */
  #describe(batch: PageBatch, limit: number): void {
    for (let i = 0; i < batch.count; i++) {
      const size = batch.sizes[i]!;
      if (this.#end + size > limit) return;
      this.#describePage(size, batch.flags[i]!);
      this.#end += size;
    }
  }

  #describePage(size: number, flags: number): void {
    const at = this.#pending++ * DESCRIPTOR_SIZE;
    const { littleEndian, pageSize } = this.#dump;
    if (flags === ZERO_PAGE) {
      encodeDescriptor(this.#descriptors, at, this.#dataOffset, pageSize, 0, littleEndian);
    } else if (flags === MISSING_PAGE) {
      this.#missingPages++;
      encodeDescriptor(this.#descriptors, at, 0, 0, 0, littleEndian);
    } else {
      encodeDescriptor(this.#descriptors, at, this.#end, size, flags, littleEndian);
      this.#described = this.#pending;
    }
  }

  /** Writes the first `count` of the descriptors that are not written yet. */
  async #flush(count = this.#pending): Promise<void> {
    const bytes = new Uint8Array(this.#descriptors.buffer);
    await this.#sink.write(this.#descriptorOffset(this.#flushed), bytes.subarray(0, count * DESCRIPTOR_SIZE));
    bytes.copyWithin(0, count * DESCRIPTOR_SIZE, this.#pending * DESCRIPTOR_SIZE);
    this.#flushed += count;
    this.#pending -= count;
    this.#described = 0;
  }

  #descriptorOffset(index: number): number {
    return this.#layout.descriptorsOffset + index * DESCRIPTOR_SIZE;
  }

  #checkBatch(batch: PageBatch): void {
    const { pageSize, dumpLevel } = this.#dump;
    if (this.pages + batch.count > this.#dumpable) {
      throw argumentError(`more pages than the ${this.#dumpable} that bitmap 2 announces`);
    }
    let size = 0;
    for (let i = 0; i < batch.count; i++) {
      size += batch.sizes[i]!;
      if (batch.sizes[i]! > pageSize) throw argumentError(`page ${i} of a batch is larger than a page`);
      if (batch.flags[i] === ZERO_PAGE && !(dumpLevel & LEVEL_ZERO)) {
        throw argumentError(`dump level ${dumpLevel} has no shared zero page`);
      }
    }
    if (size !== batch.data.length) {
      throw argumentError(`a batch has ${batch.data.length} bytes, but its pages have ${size}`);
    }
  }
}

function checkDescription(dump: KdumpDescription): void {
  const { pageSize, utsname, crashTime, maxMapnr, dumpLevel, notes, vmcoreinfo } = dump;
  if (!isPageSize(pageSize)) throw argumentError(`page size ${pageSize}`);
  if (utsname.length !== UTSNAME_SIZE)
    throw argumentError(`utsname of ${utsname.length} bytes, not ${UTSNAME_SIZE}`);
  if (!Number.isSafeInteger(crashTime)) throw argumentError(`crash time ${crashTime}`);
  if (!Number.isSafeInteger(maxMapnr) || maxMapnr < 0) throw argumentError(`maxMapnr ${maxMapnr}`);
  if (!Number.isInteger(dumpLevel) || dumpLevel < 0 || dumpLevel > 31)
    throw argumentError(`dump level ${dumpLevel}`);
  if (vmcoreinfo && vmcoreinfo.offset + vmcoreinfo.size > notes.length) {
    throw argumentError('VMCOREINFO ends beyond the notes');
  }
}

/** `piece` are the bytes of a bitmap from byte `from` of it on. */
function checkPiece(name: string, piece: Uint8Array, from: number, bits: number, blockSize: number): void {
  const length = Math.ceil(bits / 8);
  const end = from + piece.length;
  if (end > length || (end < length && end % blockSize !== 0))
    throw argumentError(`${name} has a piece of bytes ${from} to ${end}, for ${bits} page frames`);
  if (end === length && bits % 8 !== 0 && piece.at(-1)! >> (bits % 8) !== 0)
    throw argumentError(`${name} has bits set beyond its ${bits} page frames`);
}

function checkLength(name: string, bytes: number, bits: number): void {
  if (bytes !== Math.ceil(bits / 8))
    throw argumentError(`${name} has ${bytes} bytes for ${bits} page frames`);
}

function countBits(bytes: Uint8Array): number {
  return new PageBitmap(bytes.length * 8, bytes).count();
}
