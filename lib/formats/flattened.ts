import { type ByteSource, requireRange } from '../access/byte-source.ts';
import { DerivedSource } from '../access/derived-source.ts';
import { Slots } from '../access/slots.ts';
import { VmcoreError } from '../errors.ts';
import { Turns } from '../turns.ts';
import type { OpenCoreOptions } from './core-file.ts';
import { type Extent, type Extents, findExtent, makeExtents } from './extents.ts';
import {
  checkFlattenedHeader,
  decodeRecordHead,
  FLATTENED_HEADER_SIZE,
  RECORD_HEAD_SIZE,
} from './flattened-layout.ts';

/** The heads of records are read with what is around them: small records lie close together. */
const HEAD_SLOTS = {
  slots: 1,
  regionBytes: 4096,
  readBytes: 4096,
  policy: 'read',
} as const;
/** Records between two looks at the clock. */
const RECORDS_PER_LOOK = 256;

/**
 * The file that a flattened one would become. Records may come in any order and overlap: the later one counts. What no
 * record covers is zeros.
 * @throws VmcoreError ERR_VMCORE_TRUNCATED without an end marker (unless `allowTruncated`: what is there counts),
 *   ERR_VMCORE_CORRUPT, ERR_VMCORE_FORMAT; the signal's reason.
 */
export async function openFlattened(source: ByteSource, options: OpenCoreOptions): Promise<FlattenedSource> {
  const header = new Uint8Array(FLATTENED_HEADER_SIZE);
  requireRange(source, 0, header.length);
  source.read(0, header);
  checkFlattenedHeader(header, source.name);
  const reader = new RecordReader(source, options);
  const records = await reader.readAll();
  return new FlattenedSource(source, resolveRecords(records), reader.isCutOff);
}

/** Records in the order of the stream, as parallel arrays that grow with what is found. */
class Records {
  count = 0;
  /** Where the data goes. */
  start = new Float64Array(1024);
  /** Bytes. */
  size = new Float64Array(1024);
  /** Where it lies in the stream. */
  position = new Float64Array(1024);

  add(start: number, size: number, position: number): void {
    if (this.count === this.start.length) {
      this.start = doubled(this.start);
      this.size = doubled(this.size);
      this.position = doubled(this.position);
    }
    this.start[this.count] = start;
    this.size[this.count] = size;
    this.position[this.count] = position;
    this.count++;
  }
}

function doubled(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length);
  larger.set(values);
  return larger;
}

/** Hops from record to record, to the end marker. */
class RecordReader {
  readonly #source: ByteSource;
  readonly #options: OpenCoreOptions;
  readonly #slots: Slots;
  /** Whether the stream has no end, so that some of it is missing. */
  isCutOff = false;
  readonly #head = new DataView(new ArrayBuffer(RECORD_HEAD_SIZE));

  constructor(source: ByteSource, options: OpenCoreOptions) {
    this.#source = source;
    this.#options = options;
    this.#slots = new Slots(source, HEAD_SLOTS);
  }

  async readAll(): Promise<Records> {
    const { signal } = this.#options;
    const records = new Records();
    const turns = new Turns(signal);
    let looks = 0;
    for (let at = FLATTENED_HEADER_SIZE; at >= 0; ) {
      at = this.#next(records, at);
      if (++looks % RECORDS_PER_LOOK !== 0 || !turns.due) continue;
      await turns.give();
    }
    this.#slots.release();
    return records;
  }

  /** Adds the record at `at` and returns where the next one is, or -1 at the end. */
  #next(records: Records, at: number): number {
    const { size: end } = this.#source;
    if (at + RECORD_HEAD_SIZE > end) return this.#truncated(at);
    this.#slots.read(at, new Uint8Array(this.#head.buffer));
    const record = decodeRecordHead(this.#head, this.#source.name, at);
    if (!record) return -1;
    const position = at + RECORD_HEAD_SIZE;
    const there = Math.min(record.size, end - position);
    if (there > 0) records.add(record.offset, there, position);
    return there < record.size ? this.#truncated(position) : position + there;
  }

  #truncated(at: number): -1 {
    this.isCutOff = true;
    if (this.#options.allowTruncated) return -1;
    const what = 'is flattened and has no end marker: the stream was cut off';
    throw new VmcoreError('ERR_VMCORE_TRUNCATED', `${this.#source.name}: ${what}`, {
      file: this.#source.name,
      offset: at,
    });
  }
}

/**
 * Which record has each byte of the file: extents whose offsets are positions in the stream. Most records overlap no
 * other; where some do, the later ones win.
 */
function resolveRecords({ count, start, size, position }: Records): Extents {
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => start[a]! - start[b]!);
  const endOf = (i: number) => start[i]! + size[i]!;
  const resolved = new Records();
  for (let first = 0; first < count; ) {
    let end = endOf(order[first]!);
    let last = first + 1;
    for (; last < count && start[order[last]!]! < end; last++) end = Math.max(end, endOf(order[last]!));
    // The latest record first: makeExtents lets the first one win.
    const group = order.slice(first, last).sort((a, b) => b - a);
    const ranges = Array.from(
      group,
      (i): Extent => ({ start: start[i]!, end: endOf(i), offset: position[i]! }),
    );
    addPieces(resolved, ranges);
    first = last;
  }
  const kept = resolved.count;
  return {
    count: kept,
    start: resolved.start.slice(0, kept),
    end: Float64Array.from({ length: kept }, (_, i) => resolved.start[i]! + resolved.size[i]!),
    offset: resolved.position.slice(0, kept),
  };
}

function addPieces(into: Records, ranges: readonly Extent[]): void {
  const only = ranges.length === 1 ? ranges[0] : undefined;
  if (only) {
    into.add(only.start, only.end - only.start, only.offset);
    return;
  }
  const { count, start, end, offset } = makeExtents(ranges);
  for (let i = 0; i < count; i++) into.add(start[i]!, end[i]! - start[i]!, offset[i]!);
}

/** The unflattened file. */
export class FlattenedSource extends DerivedSource {
  readonly size: number;
  /** Whether the stream has no end, so that some of the file is missing. */
  readonly isCutOff: boolean;
  readonly #stream: ByteSource;
  readonly #records: Extents;

  constructor(stream: ByteSource, records: Extents, isCutOff: boolean) {
    super([stream]);
    this.isCutOff = isCutOff;
    this.#stream = stream;
    this.#records = records;
    this.size = records.count === 0 ? 0 : records.end[records.count - 1]!;
  }

  read(position: number, into: Uint8Array): void {
    requireRange(this, position, into.length);
    const { count, start, end, offset } = this.#records;
    let index = findExtent(this.#records, position);
    for (let done = 0; done < into.length; ) {
      const at = position + done;
      const isGap = index >= count || start[index]! > at;
      const until = isGap ? (start[index] ?? this.size) : end[index]!;
      const part = into.subarray(done, done + (until - at));
      if (isGap) part.fill(0);
      else this.#stream.read(offset[index]! + (at - start[index]!), part);
      if (!isGap) index++;
      done += part.length;
    }
  }
}
