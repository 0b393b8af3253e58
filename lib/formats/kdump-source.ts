import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { DerivedSource } from '../access/derived-source.ts';
import { type AccessPolicy, Slots } from '../access/slots.ts';
import { PageCodecs } from '../codecs/page-codecs.ts';
import { hex, isVmcoreError, VmcoreError } from '../errors.ts';
import { DESCRIPTOR_SIZE, decodeDescriptor, type PageDescriptor } from './kdump-layout.ts';
import type { PageRank } from './page-rank.ts';

/** A file that holds the pages of pfns `startPfn` to `endPfn` - 1. */
export interface KdumpMember {
  readonly source: ByteSource;
  readonly startPfn: number;
  readonly endPfn: number;
}

/** What a file or a split set of files has in common. */
export interface KdumpSourceOptions {
  /** Ascending by pfn, and together all of them. */
  readonly members: readonly KdumpMember[];
  /** Bitmap 2. */
  readonly pages: PageRank;
  readonly maxPfn: number;
  /** Bytes of a page. */
  readonly blockSize: number;
  readonly littleEndian: boolean;
  /** File offset of the page descriptors, and of what lies behind them. */
  readonly descriptorsOffset: number;
  readonly dataOffset: number;
  /** How the files are reached. */
  readonly access: AccessPolicy;
  /** Whether memory is short. */
  readonly sparing?: boolean | undefined;
  /** Whether a page that the file has lost reads as zeros instead of being an error. */
  readonly missingAsZeros: boolean;
}

const KIB = 1 << 10;
const MIB = 1 << 20;
/** Descriptors lie together; stored pages are read ahead, since pages are mostly read in their order. */
const DESCRIPTOR_SLOTS = { slots: 4, regionBytes: 256 * KIB, readBytes: 16 * KIB };
const DATA_SLOTS = { slots: 4, regionBytes: 4 * MIB, readBytes: 64 * KIB };

const SMALL_SLOTS = { slots: 4, regionBytes: 64 * KIB };
/** What a member keeps of its file where memory is short, in bytes. */
export const SPARING_MEMBER_BYTES = 2 * SMALL_SLOTS.slots * SMALL_SLOTS.regionBytes;

/** A member, and how it is read. */
interface OpenMember extends KdumpMember {
  /** Pages of bitmap 2 before its first one. */
  readonly firstRank: number;
  readonly descriptors: Slots;
  readonly data: Slots;
}

/**
 * The memory in a kdump-compressed file as plain bytes: the offset of a byte is its physical address. Pages are
 * decompressed as they are read; who reads keeps them (Slots). A page frame without a page reads as zeros here:
 * which ones these are the extents say.
 */
export class KdumpSource extends DerivedSource {
  readonly size: number;
  readonly #options: KdumpSourceOptions;
  readonly #members: readonly OpenMember[];
  readonly #codecs = new PageCodecs();
  readonly #stored: Uint8Array;
  readonly #descriptor = new DataView(new ArrayBuffer(DESCRIPTOR_SIZE));
  /** The page that was read last in parts. */
  readonly #page: Uint8Array;
  #pagePfn = -1;

  constructor(options: KdumpSourceOptions) {
    const { members, pages, blockSize } = options;
    super(members.map(({ source }) => source));
    this.size = options.maxPfn * blockSize;
    this.#options = options;
    this.#stored = new Uint8Array(blockSize);
    this.#page = new Uint8Array(blockSize);
    this.#members = members.map((member) => {
      const policy = member.source.mapping === 'none' ? 'read' : options.access;
      const small = options.sparing ? SMALL_SLOTS : {};
      return {
        ...member,
        firstRank: pages.rank(member.startPfn),
        descriptors: new Slots(member.source, { ...DESCRIPTOR_SLOTS, ...small, policy }),
        data: new Slots(member.source, { ...DATA_SLOTS, ...small, policy }),
      };
    });
  }

  /**
   * @throws VmcoreError ERR_VMCORE_NOT_PRESENT for a page that the file has lost, ERR_VMCORE_CORRUPT for one that is
   *   damaged, ERR_VMCORE_CODEC, and what reading the file throws.
   */
  read(position: number, into: Uint8Array): void {
    requireRange(this, position, into.length);
    const { blockSize, pages } = this.#options;
    for (let done = 0; done < into.length; ) {
      const pfn = Math.floor((position + done) / blockSize);
      const within = (position + done) % blockSize;
      const part = into.subarray(done, done + blockSize - within);
      if (!pages.has(pfn)) part.fill(0);
      else if (part.length === blockSize) this.#load(pfn, part);
      else part.set(this.#lastPage(pfn).subarray(within, within + part.length));
      done += part.length;
    }
  }

  override close(): void {
    for (const { descriptors, data } of this.#members) {
      descriptors.release();
      data.release();
    }
    super.close();
  }

  #lastPage(pfn: number): Uint8Array {
    if (this.#pagePfn !== pfn) {
      this.#pagePfn = -1;
      this.#load(pfn, this.#page);
      this.#pagePfn = pfn;
    }
    return this.#page;
  }

  #load(pfn: number, into: Uint8Array): void {
    try {
      this.#loadPage(pfn, into);
    } catch (error) {
      if (!this.#options.missingAsZeros || !isVmcoreError(error, 'ERR_VMCORE_NOT_PRESENT')) throw error;
      into.fill(0);
    }
  }

  #loadPage(pfn: number, into: Uint8Array): void {
    const { blockSize } = this.#options;
    const member = this.#memberOf(pfn);
    const { offset, size, flags } = this.#readDescriptor(member, pfn);
    if (flags === 0) {
      if (size !== blockSize) throw this.#corrupt(member, pfn, `is stored raw in ${size} bytes`);
      member.data.read(offset, into);
      return;
    }
    const stored = this.#stored.subarray(0, size);
    const pageCodec = this.#codecs.of(flags);
    if (!pageCodec) throw this.#corrupt(member, pfn, `has unknown flags ${hex(flags)}`);
    member.data.read(offset, stored);
    try {
      pageCodec.decompress(stored, into);
    } catch (cause) {
      throw this.#corrupt(member, pfn, `can't be decompressed: ${(cause as Error).message}`, cause);
    }
  }

  #memberOf(pfn: number): OpenMember {
    return this.#members.find(({ endPfn }) => pfn < endPfn)!;
  }

  #readDescriptor(member: OpenMember, pfn: number): PageDescriptor {
    const { littleEndian, blockSize, pages, descriptorsOffset, dataOffset } = this.#options;
    const at = descriptorsOffset + (pages.rank(pfn) - member.firstRank) * DESCRIPTOR_SIZE;
    if (at + DESCRIPTOR_SIZE > member.source.size)
      throw this.#lost(member, pfn, 'ends before its descriptor');
    const view = this.#descriptor;
    member.descriptors.read(at, new Uint8Array(view.buffer));
    const descriptor = decodeDescriptor(view, 0, littleEndian);
    const { offset, size } = descriptor;
    if (offset === 0) throw this.#lost(member, pfn, 'has no data of it: the dump is incomplete');
    if (size === 0 || size > blockSize) throw this.#corrupt(member, pfn, `is stored in ${size} bytes`);
    if (offset < dataOffset || !Number.isSafeInteger(offset))
      throw this.#corrupt(member, pfn, `is stored at offset ${hex(offset)}, where no pages are`);
    if (offset + size > member.source.size) throw this.#lost(member, pfn, 'ends before its data');
    return descriptor;
  }

  #corrupt({ source }: KdumpMember, pfn: number, what: string, cause?: unknown): VmcoreError {
    const address = pfn * this.#options.blockSize;
    const message = `${source.name}: the page of pfn ${pfn} ${what}`;
    return new VmcoreError('ERR_VMCORE_CORRUPT', message, { file: source.name, address, cause });
  }

  #lost({ source }: KdumpMember, pfn: number, what: string): VmcoreError {
    const address = pfn * this.#options.blockSize;
    const message = `${source.name}: the page of pfn ${pfn} is missing: the file ${what}`;
    return new VmcoreError('ERR_VMCORE_NOT_PRESENT', message, { file: source.name, address });
  }
}
