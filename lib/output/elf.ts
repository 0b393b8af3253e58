import { argumentError, VmcoreError } from '../errors.ts';
import { PageBitmap } from '../filter/bitmap.ts';
import type { NoteSegment } from '../formats/core-file.ts';
import { isPageSize } from '../formats/machine.ts';
import type { DumpWriter } from './dump-writer.ts';
import { cutLoads } from './elf-cut.ts';
import { EHDR_SIZE, type ElfHeaders, encodeEhdr, encodeTable, tableSize } from './elf-headers.ts';
import type { ElfLoad, ElfPlan } from './elf-plan.ts';
import { LoadCursor } from './load-cursor.ts';
import type { PageBatch } from './page-batch.ts';
import { MISSING_PAGE } from './page-batch.ts';
import type { AbortMode, Sink } from './sink.ts';

/** Everything about a dump in ELF format but its pages. */
export interface ElfDescription {
  /** Bytes. */
  readonly pageSize: number;
  readonly littleEndian: boolean;
  /** e_machine. */
  readonly machine: number;
  /** The payload of the PT_NOTEs, verbatim. */
  readonly notes: Uint8Array;
  readonly noteSegment?: NoteSegment | undefined;
  /** Whether it stays marked incomplete, even when all pages are there. */
  readonly incomplete?: boolean | undefined;
  readonly plan: ElfPlan;
}

/** Bytes of a batch that go to one place. */
interface PendingWrite {
  /** File offset. */
  readonly position: number;
  /** Where they begin and end in the batch's data. */
  readonly from: number;
  to: number;
  readonly firstPfn: number;
  /** Whether no other load has these pages. */
  readonly exclusive: boolean;
}

/**
 * Writes a core in ELF64 format, laid out as `makedumpfile -E` does:
 *
 * ```
 * ELF header | program headers | section header, if they are too many | notes | data of all PT_LOADs, packed
 * ```
 *
 * A page that could not be read is in no PT_LOAD: those around it end before it and begin behind it, so that no reader
 * takes it for zeros. The program headers grow by that. They are written again when the pages are there, over the
 * notes, which move behind the data; or behind that too, if there are too many of them.
 */
export class ElfWriter implements DumpWriter {
  readonly #dump: ElfDescription;
  readonly #sink: Sink;
  readonly #dataOffset: number;
  readonly #cursor: LoadCursor;
  /** The page that the next one of a batch is. */
  #pfn: number;
  /** All pages below are in the sink, in every load that has them. */
  #donePfn = 0;
  #missing: PageBitmap | undefined;
  #pending: PendingWrite | undefined;
  #end = 0;
  /** The headers of the complete core, when all else is written. */
  #settled: ElfHeaders | undefined;

  /** @throws VmcoreError ERR_VMCORE_ARGUMENT for a page size that is none. */
  constructor(dump: ElfDescription, sink: Sink) {
    const { pageSize, plan, notes } = dump;
    if (!isPageSize(pageSize)) throw argumentError(`page size ${pageSize}`);
    this.#dump = dump;
    this.#sink = sink;
    this.#dataOffset = EHDR_SIZE + tableSize(plan.loads.length) + notes.length;
    this.#cursor = new LoadCursor(plan.loads);
    this.#pfn = plan.pages.nextSet(0);
  }

  get size(): number {
    return this.#end;
  }

  async begin(): Promise<void> {
    const headers = this.#headers(this.#dump.plan.loads, true);
    await this.#sink.write(0, encodeEhdr(headers));
    await this.#sink.write(EHDR_SIZE, encodeTable(headers));
    await this.#sink.write(headers.notes.offset, this.#dump.notes);
    this.#end = this.#dataOffset + this.#dump.plan.dataSize;
  }

  async append(batch: PageBatch): Promise<void> {
    this.#checkBatch(batch);
    const { pages } = this.#dump.plan;
    try {
      for (let i = 0, from = 0; i < batch.count; ) {
        const pfn = this.#pfn;
        if (pfn < 0) throw argumentError('more pages than announced');
        const count = dataPages(batch, i, pages.nextClear(pfn) - pfn);
        if (count === 0) this.#markMissing(pfn);
        else await this.#writeRun(batch, pfn, count, from);
        from += count * this.#dump.pageSize;
        i += Math.max(count, 1);
        this.#pfn = pages.nextSet(pfn + Math.max(count, 1));
      }
      await this.#flush(batch);
    } catch (error) {
      this.#rememberDone(error);
      throw error;
    }
    this.#donePfn = this.#pfn < 0 ? Number.POSITIVE_INFINITY : this.#pfn;
  }

  async settle(): Promise<void> {
    if (this.#settled) return;
    if (this.#pfn >= 0) throw argumentError(`page ${this.#pfn} and those behind it were not appended`);
    const { plan, incomplete = false } = this.#dump;
    const headers = this.#missing ? await this.#relocate() : this.#headers(plan.loads, incomplete);
    await this.#sink.sync();
    this.#settled = headers;
  }

  async finish(): Promise<void> {
    await this.settle();
    await this.#sink.finish(0, encodeEhdr(this.#settled!));
  }

  async abort(mode: AbortMode): Promise<string | undefined> {
    if (mode === 'keep') await this.#leaveReadable();
    return this.#sink.abort(mode);
  }

  /** The headers of what was written, marked incomplete. */
  async #leaveReadable(): Promise<void> {
    try {
      await this.#sink.write(0, encodeEhdr(await this.#relocate()));
    } catch {
      // The sink failed before, and its error was thrown then. The headers of begin() stay, marked incomplete.
    }
  }

  /** Writes the program headers of the pages that are there, and the notes if they must make room. */
  async #relocate(): Promise<ElfHeaders> {
    const { plan, pageSize, notes } = this.#dump;
    const loads = cutLoads(plan.loads, pageSize, this.#donePfn, this.#missing);
    const room = this.#dataOffset - EHDR_SIZE;
    const size = tableSize(loads.length);
    const headers = this.#headers(loads, true);
    if (size + notes.length <= room) {
      await this.#sink.write(EHDR_SIZE, encodeTable(headers));
      return headers;
    }
    const notesOffset = this.#end;
    const tableOffset = size <= room ? EHDR_SIZE : notesOffset + notes.length;
    const moved = { ...headers, tableOffset, notes: { offset: notesOffset, size: notes.length } };
    await this.#sink.write(notesOffset, notes);
    await this.#sink.write(tableOffset, encodeTable(moved));
    this.#end = Math.max(notesOffset + notes.length, tableOffset + size);
    return moved;
  }

  /** The headers where they are planned: the program headers may be fewer, the notes stay. */
  #headers(loads: readonly ElfLoad[], incomplete: boolean): ElfHeaders {
    const { littleEndian, machine, notes, noteSegment } = this.#dump;
    return {
      littleEndian,
      machine,
      incomplete,
      noteSegment,
      notes: { offset: this.#dataOffset - notes.length, size: notes.length },
      loads,
      dataOffset: this.#dataOffset,
      tableOffset: EHDR_SIZE,
    };
  }

  /** Writes consecutive pages to every load that has them. */
  async #writeRun(batch: PageBatch, pfn: number, count: number, from: number): Promise<void> {
    const { pageSize } = this.#dump;
    const start = pfn * pageSize;
    const end = start + count * pageSize;
    const loads = this.#cursor.loadsOf(start, end);
    for (const { paddr, offset, fileSize } of loads) {
      const first = Math.max(start, paddr);
      const behind = Math.min(end, paddr + fileSize);
      const position = this.#dataOffset + offset + (first - paddr);
      await this.#put(batch, {
        position,
        from: from + first - start,
        to: from + behind - start,
        firstPfn: pfn,
        exclusive: loads.length === 1,
      });
    }
  }

  /** What continues the write before, in the file and in the batch, becomes one with it. */
  async #put(batch: PageBatch, next: PendingWrite): Promise<void> {
    const last = this.#pending;
    if (last && last.exclusive === next.exclusive && last.to === next.from) {
      if (last.position + (last.to - last.from) === next.position) {
        last.to = next.to;
        return;
      }
    }
    await this.#flush(batch);
    this.#pending = next;
  }

  async #flush(batch: PageBatch): Promise<void> {
    const write = this.#pending;
    if (!write) return;
    await this.#sink.write(write.position, batch.data.subarray(write.from, write.to));
    this.#pending = undefined;
  }

  /** How far the pages got before a write failed. */
  #rememberDone(error: unknown): void {
    const write = this.#pending;
    if (!write) return;
    this.#pending = undefined;
    this.#donePfn = write.firstPfn;
    if (!write.exclusive || !(error instanceof VmcoreError) || error.offset === undefined) return;
    const { pageSize, plan } = this.#dump;
    for (let rest = error.offset - write.position; rest >= pageSize; rest -= pageSize) {
      this.#donePfn = plan.pages.nextSet(this.#donePfn) + 1;
    }
  }

  #markMissing(pfn: number): void {
    this.#missing ??= new PageBitmap(this.#dump.plan.pages.pages);
    this.#missing.set(pfn, pfn + 1);
  }

  #checkBatch(batch: PageBatch): void {
    const { pageSize } = this.#dump;
    let size = 0;
    for (let i = 0; i < batch.count; i++) {
      const isMissing = batch.flags[i] === MISSING_PAGE;
      if (!isMissing && (batch.flags[i] !== 0 || batch.sizes[i] !== pageSize)) {
        throw argumentError(`page ${i} of a batch is no raw page, as ELF needs it`);
      }
      size += isMissing ? 0 : pageSize;
    }
    if (size !== batch.data.length) {
      throw argumentError(`a batch has ${batch.data.length} bytes, but its pages have ${size}`);
    }
  }
}

/** Pages with data from `first` on that follow each other in the batch, at most `limit`. */
function dataPages(batch: PageBatch, first: number, limit: number): number {
  const end = Math.min(batch.count, first + limit);
  let i = first;
  while (i < end && batch.flags[i] !== MISSING_PAGE) i++;
  return i - first;
}
