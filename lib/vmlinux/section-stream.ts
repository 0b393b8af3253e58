import { pipeline, Readable, type Transform } from 'node:stream';
import { requireRange } from '../access/byte-source.ts';
import { decompressStream } from '../codecs/decompress-stream.ts';
import { isVmcoreError, VmcoreError } from '../errors.ts';
import { damaged } from '../formats/damaged.ts';
import type { ElfProgram, Section } from './elf-sections.ts';

/** ch_type of a section with SHF_COMPRESSED (gABI, Compression Header). */
const COMPRESSIONS: Readonly<Record<number, 'zlib' | 'zstd'>> = { 1: 'zlib', 2: 'zstd' };
const PIECE_BYTES = 1 << 20;

/** The bytes of a section from its beginning on, decompressed where it is compressed. */
export interface SectionStream extends AsyncDisposable {
  /** Bytes of the section, decompressed. */
  readonly size: number;
  /** How many were passed. */
  readonly position: number;
  /** The next `length` bytes. @throws VmcoreError ERR_VMCORE_CORRUPT where the section has no more. */
  read(length: number): Promise<Buffer>;
  skip(length: number): Promise<void>;
}

/** @throws VmcoreError ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, ERR_VMCORE_CODEC. */
export function openSection(program: ElfProgram, section: Section): SectionStream {
  requireRange(program.source, section.offset, section.size);
  return section.isCompressed ? new CompressedStream(program, section) : new PlainStream(program, section);
}

/** All of a section, at most `limit` bytes. @throws as openSection(). */
export async function readSection(program: ElfProgram, section: Section, limit: number): Promise<Buffer> {
  await using stream = openSection(program, section);
  if (stream.size > limit) {
    throw damaged(
      program.source.name,
      `has ${stream.size} bytes in ${section.name}; ${limit} are read`,
      section.offset,
    );
  }
  // Awaited here: when it returns, the stream is closed.
  return await stream.read(stream.size);
}

class PlainStream implements SectionStream {
  readonly size: number;
  position = 0;
  readonly #program: ElfProgram;
  readonly #section: Section;

  constructor(program: ElfProgram, section: Section) {
    this.#program = program;
    this.#section = section;
    this.size = section.size;
  }

  async read(length: number): Promise<Buffer> {
    requireRest(this.#program, this.#section, this, length);
    const bytes = Buffer.allocUnsafe(length);
    this.#program.source.read(this.#section.offset + this.position, bytes);
    this.position += length;
    return bytes;
  }

  async skip(length: number): Promise<void> {
    requireRest(this.#program, this.#section, this, length);
    this.position += length;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class CompressedStream implements SectionStream {
  readonly size: number;
  position = 0;
  readonly #program: ElfProgram;
  readonly #section: Section;
  readonly #decompressed: Transform;
  readonly #pieces: AsyncIterator<Buffer>;
  /** What was decompressed and not passed yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(program: ElfProgram, section: Section) {
    this.#program = program;
    this.#section = section;
    const { compression, size, headerBytes } = readCompressionHeader(program, section);
    this.size = size;
    const stored = Readable.from(storedPieces(program, section, headerBytes));
    this.#decompressed = decompressStream(compression);
    pipeline(stored, this.#decompressed, () => {});
    // What it finds when nobody asks any more, because enough was read, is no error.
    this.#decompressed.on('error', () => {});
    this.#pieces = this.#decompressed[Symbol.asyncIterator]();
  }

  async read(length: number): Promise<Buffer> {
    requireRest(this.#program, this.#section, this, length);
    const parts: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      if (this.#rest.length === 0) await this.#refill();
      const part = this.#rest.subarray(0, missing);
      parts.push(part);
      missing -= part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    this.position += length;
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; left -= PIECE_BYTES) await this.read(Math.min(left, PIECE_BYTES));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#decompressed.destroy();
  }

  async #refill(): Promise<void> {
    const { source } = this.#program;
    const { name, offset } = this.#section;
    try {
      const { done, value } = await this.#pieces.next();
      if (!done) {
        this.#rest = value;
        return;
      }
    } catch (cause) {
      if (isVmcoreError(cause)) throw cause;
      const message = `${source.name}: ${name} can't be decompressed`;
      throw new VmcoreError('ERR_VMCORE_CORRUPT', message, { file: source.name, offset, cause });
    }
    throw damaged(source.name, `${name} has fewer bytes than its header says`, offset);
  }
}

/** Elf64_Chdr or Elf32_Chdr. */
function readCompressionHeader({ source, elf, littleEndian }: ElfProgram, { name, offset, size }: Section) {
  const { chdr } = elf;
  if (size < chdr.bytes) throw damaged(source.name, `${name} has no compression header`, offset);
  const header = new Uint8Array(chdr.bytes);
  source.read(offset, header);
  const view = new DataView(header.buffer);
  const type = view.getUint32(chdr.type, littleEndian);
  const compression = COMPRESSIONS[type];
  if (!compression) throw damaged(source.name, `${name} has compression ${type}, which is not known`, offset);
  const decompressed = elf.word(view, chdr.size, littleEndian);
  if (decompressed > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw damaged(source.name, `${name} claims ${decompressed} bytes`, offset);
  }
  return { compression, size: Number(decompressed), headerBytes: chdr.bytes };
}

function* storedPieces({ source }: ElfProgram, { offset, size }: Section, from: number): Generator<Buffer> {
  for (let at = from; at < size; at += PIECE_BYTES) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - at));
    source.read(offset + at, piece);
    yield piece;
  }
}

function requireRest(
  { source }: ElfProgram,
  { name, offset }: Section,
  { size, position }: Pick<SectionStream, 'size' | 'position'>,
  length: number,
): void {
  if (length <= size - position) return;
  const what = `${name} ends at ${size}, and something in it at ${position} claims ${length} bytes`;
  throw damaged(source.name, what, offset);
}
