// Synthetic kdump-compressed files of any version, word size and byte order, right or wrong. Offsets: makedumpfile's
// diskdump_mod.h as compilers for 64-bit machines, i386 and arm lay it out.
import { codec } from '../../lib/codecs/registry.ts';

export type KdumpLayoutName = '64' | 'packed' | 'padded';
type Compression = 'none' | 'zlib' | 'lzo' | 'snappy' | 'zstd';

export interface KdumpShape {
  /** Default 6. */
  readonly version?: number;
  /** Default '64'. */
  readonly layout?: KdumpLayoutName;
  /** Default true. */
  readonly littleEndian?: boolean;
  readonly blockSize?: number;
  readonly maxMapnr: number;
  /** By pfn: a page, or null for one that was left out. Other page frames do not exist. */
  readonly pages: ReadonlyMap<number, Uint8Array | null>;
  /** By pfn; default none. */
  readonly compression?: (pfn: number) => Compression;
  readonly singleBitmap?: boolean;
  readonly notes?: Uint8Array;
  /** Offset in the notes and size. In version 3 the text itself, in place of the notes. */
  readonly vmcoreinfo?: { offset: number; size: number };
  readonly machine?: string;
  readonly dumpLevel?: number;
  /** Default 0. */
  readonly status?: number;
  readonly split?: { startPfn: number; endPfn: number };
  /** Last changes to a descriptor. */
  readonly descriptor?: (pfn: number, at: { offset: number; size: number; flags: number }) => typeof at;
}

const headers = {
  '64': { status: 424, nrCpus: 460 },
  packed: { status: 412, nrCpus: 448 },
  padded: { status: 412, nrCpus: 448 },
} as const;

/** dump_level, split, start_pfn, offset_vmcoreinfo, offset_note, start_pfn_64; sizes and ends lie behind. */
const subHeaders = {
  '64': { level: 8, start: 16, vmcoreinfo: 32, notes: 48, start64: 80, bytes: 104 },
  packed: { level: 4, start: 12, vmcoreinfo: 20, notes: 32, start64: 56, bytes: 80 },
  padded: { level: 4, start: 12, vmcoreinfo: 24, notes: 40, start64: 72, bytes: 96 },
} as const;

const flagOf = { none: 0, zlib: 1, lzo: 2, snappy: 4, zstd: 0x20 } as const;

export function buildKdump(shape: KdumpShape): Buffer {
  const { layout = '64', blockSize = 4096, maxMapnr, pages, singleBitmap = false } = shape;
  const notes = shape.notes ?? new Uint8Array(0);
  const subBlocks = Math.ceil((subHeaders[layout].bytes + notes.length) / blockSize);
  const perBitmap = Math.ceil(maxMapnr / 8 / blockSize);
  const bitmapBlocks = singleBitmap ? perBitmap : 2 * perBitmap;
  const bitmapStart = (1 + subBlocks) * blockSize;
  const stored = [...pages].filter(([, page]) => page !== null).sort(([a], [b]) => a - b);
  const descriptorsStart = bitmapStart + bitmapBlocks * blockSize;
  const dataStart = descriptorsStart + 24 * stored.length;
  const file = Buffer.alloc(dataStart);
  writeHeaders(file, shape, subBlocks, bitmapBlocks);
  file.set(notes, blockSize + subHeaders[layout].bytes);
  for (const [pfn, page] of pages) {
    file[bitmapStart + (pfn >> 3)]! |= 1 << (pfn & 7);
    if (page && !singleBitmap) file[bitmapStart + perBitmap * blockSize + (pfn >> 3)]! |= 1 << (pfn & 7);
  }
  return Buffer.concat([file, writePages(file, descriptorsStart, dataStart, shape, stored)]);
}

function writeHeaders(file: Buffer, shape: KdumpShape, subBlocks: number, bitmapBlocks: number): void {
  const { version = 6, layout = '64', littleEndian: le = true, blockSize = 4096, maxMapnr } = shape;
  const view = new DataView(file.buffer, file.byteOffset);
  const { status, nrCpus } = headers[layout];
  file.write('KDUMP   ', 0, 'latin1');
  view.setInt32(8, version, le);
  file.write('Linux', 12);
  file.write(shape.machine ?? '', 12 + 4 * 65);
  view.setUint32(status, shape.status ?? 0, le);
  [blockSize, subBlocks, bitmapBlocks, maxMapnr].forEach((value, i) => {
    view.setUint32(status + 4 + 4 * i, value, le);
  });
  view.setInt32(nrCpus, 3, le);
  writeSubHeader(new DataView(file.buffer, file.byteOffset + blockSize), shape);
}

function writeSubHeader(view: DataView, shape: KdumpShape): void {
  const { version = 6, layout = '64', littleEndian: le = true, blockSize = 4096 } = shape;
  const at = subHeaders[layout];
  const long = (offset: number, value: number) =>
    layout === '64' ? view.setBigUint64(offset, BigInt(value), le) : view.setUint32(offset, value, le);
  const quad = (offset: number, value: number) => view.setBigUint64(offset, BigInt(value), le);
  long(0, 0x1000000);
  if (version >= 1) view.setInt32(at.level, shape.dumpLevel ?? 0, le);
  if (version >= 2 && shape.split) {
    view.setInt32(at.level + 4, 1, le);
    long(at.start, shape.split.startPfn);
    long(at.start + (layout === '64' ? 8 : 4), shape.split.endPfn);
  }
  const notesStart = blockSize + at.bytes;
  if (version >= 3 && shape.vmcoreinfo) {
    quad(at.vmcoreinfo, notesStart + shape.vmcoreinfo.offset);
    long(at.vmcoreinfo + 8, shape.vmcoreinfo.size);
  }
  if (version >= 4 && shape.notes) {
    quad(at.notes, notesStart);
    long(at.notes + 8, shape.notes.length);
  }
  if (version >= 6) {
    quad(at.start64, shape.split?.startPfn ?? 0);
    quad(at.start64 + 8, shape.split?.endPfn ?? 0);
    quad(at.start64 + 16, shape.maxMapnr);
  }
}

/** Fills in the descriptors and returns what lies behind them. A split member has only its own. */
function writePages(
  file: Buffer,
  descriptorsStart: number,
  dataStart: number,
  shape: KdumpShape,
  pages: readonly (readonly [number, Uint8Array | null])[],
): Buffer {
  const { littleEndian: le = true, split, compression = () => 'none' } = shape;
  const view = new DataView(file.buffer, file.byteOffset);
  const data: Uint8Array[] = [];
  let end = dataStart;
  const own = pages.filter(([pfn]) => !split || (pfn >= split.startPfn && pfn < split.endPfn));
  own.forEach(([pfn, page], i) => {
    const kind = compression(pfn);
    const into = new Uint8Array(page!.length);
    const size = kind === 'none' ? 0 : codec(kind).compress(page!, into);
    const bytes = size > 0 ? into.subarray(0, size) : page!;
    const plain = { offset: end, size: bytes.length, flags: size > 0 ? flagOf[kind] : 0 };
    const { offset, size: stored, flags } = shape.descriptor?.(pfn, plain) ?? plain;
    view.setBigInt64(descriptorsStart + 24 * i, BigInt(offset), le);
    view.setUint32(descriptorsStart + 24 * i + 8, stored, le);
    view.setUint32(descriptorsStart + 24 * i + 12, flags, le);
    data.push(bytes);
    end += bytes.length;
  });
  return Buffer.concat(data);
}
