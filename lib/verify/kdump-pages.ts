import type { ByteSource } from '../access/byte-source.ts';
import { PageCodecs } from '../codecs/page-codecs.ts';
import { compressionOf } from '../codecs/registry.ts';
import { hex, isLostData, isVmcoreError } from '../errors.ts';
import type { PageBitmap } from '../filter/bitmap.ts';
import { LEVEL_ZERO } from '../filter/dump-level.ts';
import { descriptorsStart, type KdumpFacts } from '../formats/kdump-headers.ts';
import {
  DESCRIPTOR,
  DESCRIPTOR_SIZE,
  decodeDescriptor,
  type PageDescriptor,
} from '../formats/kdump-layout.ts';
import type { KdumpMember } from '../formats/kdump-source.ts';
import { ZeroPageTest } from '../pipeline/zero-page.ts';
import type { FileFindings } from './findings.ts';
import { ReadAhead } from './read-ahead.ts';
import { StoredOrder } from './stored-order.ts';

/** What is known of a kdump-compressed file before its pages are looked at. */
export interface KdumpPagesOptions {
  readonly member: KdumpMember;
  readonly facts: KdumpFacts;
  readonly bitmap2: PageBitmap;
  readonly findings: FileFindings;
}

/** A page, and its descriptor. */
interface DescribedPage extends PageDescriptor {
  readonly pfn: number;
  /** Among the descriptors of the file, and where it lies. */
  readonly index: number;
  readonly at: number;
}

/** Looks at every page descriptor of a file, and at what it points to. */
export class KdumpPages {
  /** Pages that the file should have. */
  readonly total: number;
  /** Pages of zeros that share one. */
  zero = 0;
  /** Pages so far. */
  done = 0;
  /** Whether it is known where each of them is stored. */
  isPlaced = true;
  readonly #source: ByteSource;
  readonly #member: KdumpMember;
  readonly #facts: KdumpFacts;
  readonly #bitmap2: PageBitmap;
  readonly #findings: FileFindings;
  readonly #descriptorsOffset: number;
  readonly #dataOffset: number;
  readonly #descriptors: ReadAhead;
  readonly #data: ReadAhead;
  readonly #order: StoredOrder;
  readonly #zeros: ZeroPageTest;
  readonly #page: Uint8Array;
  readonly #codecs = new PageCodecs();
  #zeroPage: 'there' | 'lost' | 'none' = 'none';

  constructor({ member, facts, bitmap2, findings }: KdumpPagesOptions) {
    this.#source = member.source;
    this.#member = member;
    this.#facts = facts;
    this.#bitmap2 = bitmap2;
    this.#findings = findings;
    this.total = bitmap2.count(member.startPfn, member.endPfn);
    this.#descriptorsOffset = descriptorsStart(facts);
    this.#dataOffset = this.#descriptorsOffset + bitmap2.count() * DESCRIPTOR_SIZE;
    this.#descriptors = new ReadAhead(member.source);
    this.#data = new ReadAhead(member.source);
    this.#order = new StoredOrder(findings, this.#dataOffset);
    this.#zeros = new ZeroPageTest(facts.blockSize);
    this.#page = new Uint8Array(facts.blockSize);
  }

  /** Behind the last stored page, once all were looked at. */
  get storedEnd(): number {
    return this.#order.end;
  }

  /** Takes it page by page. @throws VmcoreError ERR_VMCORE_CODEC for pages that can't be decompressed here. */
  *check(): Generator<void> {
    this.#findZeroPage();
    const { startPfn, endPfn } = this.#member;
    let pfn = this.#bitmap2.nextSet(startPfn);
    for (; pfn >= 0 && pfn < endPfn; pfn = this.#bitmap2.nextSet(pfn + 1)) {
      if (!this.#checkPage(pfn)) return;
      this.done++;
      yield;
    }
    this.#order.finish();
  }

  /** At levels with bit 0, pages of zeros share one, which is the first that is stored. */
  #findZeroPage(): void {
    const { blockSize, dumpLevel } = this.#facts;
    if ((dumpLevel & LEVEL_ZERO) === 0) return;
    const isThere = this.#dataOffset + blockSize <= this.#source.size;
    const bytes = isThere ? this.#read(this.#dataOffset, blockSize) : undefined;
    if (bytes instanceof Uint8Array && !this.#zeros.isZero(bytes)) return;
    this.#zeroPage = bytes instanceof Uint8Array ? 'there' : 'lost';
    this.#order.skip(blockSize);
  }

  /** False when there are no more descriptors. */
  #checkPage(pfn: number): boolean {
    const index = this.done;
    const at = this.#descriptorsOffset + index * DESCRIPTOR_SIZE;
    if (at + DESCRIPTOR_SIZE > this.#source.size) {
      const pages = this.total - index;
      this.isPlaced = false;
      this.#findings.missingPages('the file ends before the page descriptors', { pfn, pages, offset: at });
      return false;
    }
    const bytes = this.#read(at, DESCRIPTOR_SIZE, this.#descriptors);
    if (!(bytes instanceof Uint8Array)) {
      this.#findings.damaged(`its descriptor can't be read: ${bytes.message}`, this.#place(at), pfn);
      return true;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_SIZE);
    const page = { ...decodeDescriptor(view, 0, this.#facts.littleEndian), pfn, index, at };
    const wrong = this.#wrongDescriptor(page, view.getBigUint64(DESCRIPTOR.pageFlags));
    if (page.offset === 0) {
      this.#misplace();
      this.#lose('the dump has no data of it', page, at);
    } else if (wrong) {
      this.#misplace();
      this.#findings.damaged(wrong, this.#place(at), pfn);
    } else {
      this.#checkStored(page);
    }
    return true;
  }

  #wrongDescriptor({ offset, size, flags }: PageDescriptor, pageFlags: bigint): string | undefined {
    const { blockSize } = this.#facts;
    if (flags !== 0 && !compressionOf(flags)) return `its descriptor has unknown flags ${hex(flags)}`;
    if (flags === 0 ? size !== blockSize : size === 0 || size > blockSize)
      return `its descriptor says that it is stored in ${size} bytes, flags ${hex(flags)}`;
    if (offset < this.#dataOffset) return `its descriptor says offset ${offset}, where no pages are`;
    return pageFlags === 0n ? undefined : 'its descriptor has page_flags, which no writer sets';
  }

  #checkStored(page: DescribedPage): void {
    const { offset, size, flags, pfn } = page;
    if (this.#zeroPage !== 'none' && offset === this.#dataOffset && flags === 0) {
      if (this.#zeroPage === 'there') this.zero++;
      else this.#lose('the page of zeros, which it shares, is not there', page, offset);
      return;
    }
    const isInOrder = this.#order.next(page);
    if (offset + size > this.#source.size) {
      // Out of order, it is no file that was cut off, and already known to be damaged.
      if (isInOrder) this.#lose('the file ends before its data', page, offset);
      return;
    }
    const stored = this.#read(offset, size);
    if (!(stored instanceof Uint8Array)) {
      this.#findings.damaged(`its data can't be read: ${stored.message}`, { offset, size }, pfn);
      return;
    }
    if (flags === 0) this.#checkRaw(stored, page);
    else this.#checkCompressed(stored, page);
  }

  /** Where pages of zeros share one, others are pages that were never written. */
  #checkRaw(stored: Uint8Array, page: DescribedPage): void {
    if (this.#zeroPage !== 'none' && this.#zeros.isZero(stored)) {
      this.#lose('its data is zeros, which this dump stores once', page, page.offset);
    }
  }

  #checkCompressed(stored: Uint8Array, page: DescribedPage): void {
    const pageCodec = this.#codecs.of(page.flags)!;
    try {
      pageCodec.decompress(stored, this.#page);
    } catch (error) {
      if (!isVmcoreError(error, 'ERR_VMCORE_CORRUPT')) throw error;
      const isWritten = stored.some((byte) => byte !== 0);
      if (isWritten) this.#findings.damaged(error.message, page, page.pfn);
      else this.#lose('its data is zeros, and was compressed', page, page.offset);
    }
  }

  /** Where the data of a page is, its descriptor does not tell. */
  #misplace(): void {
    this.isPlaced = false;
    this.#order.lose();
  }

  #lose(reason: string, { pfn, index }: DescribedPage, offset: number): void {
    this.#findings.missingPage(reason, { pfn, index, offset });
  }

  #place(at: number) {
    return { offset: at, size: DESCRIPTOR_SIZE };
  }

  /** Bytes, or why they can't be read. */
  #read(offset: number, size: number, from = this.#data): Uint8Array | Error {
    try {
      return from.read(offset, size);
    } catch (error) {
      if (isLostData(error) || isVmcoreError(error, 'ERR_VMCORE_TRUNCATED')) return error;
      throw error;
    }
  }
}
