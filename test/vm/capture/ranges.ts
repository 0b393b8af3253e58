// Runs in the capture kernel: maps ranges of /proc/vmcore that lie across something, and prints whether the bytes are
// those that pread gives, as JSON.
import { closeSync, openSync } from 'node:fs';
import { codeOf, FileSource } from '../../../lib/access/file-source.ts';
import { native } from '../../../lib/access/native.ts';
import { openVmcore } from '../../../lib/index.ts';
import type { RangesRecord } from './records.ts';

const PATH = '/proc/vmcore';
const PAGE = native().pageSize;

/** Compares mapped bytes with read ones; returns how many there were. */
function compare(source: FileSource, position: number, length: number): number {
  const start = position - (position % PAGE);
  const region = source.map(start, length);
  const { end } = region;
  for (let at = start; at < end; ) {
    const window = region.window(at);
    const read = new Uint8Array(window.end - at);
    source.read(at, read);
    const mapped = window.bytes.subarray(at - window.start);
    if (Buffer.compare(mapped, read) !== 0) throw new Error(`bytes from ${at} on differ`);
    at = window.end;
  }
  region.release();
  return end - start;
}

/** What the kernel says to a map that no ByteSource would ask for. */
function refusal(position: number, length: number): string {
  const fd = openSync(PATH, 'r');
  try {
    native().source(fd).map(position, length).unmap();
    return 'mapped';
  } catch (error) {
    return codeOf(error);
  } finally {
    closeSync(fd);
  }
}

const core = await openVmcore(PATH, { access: 'mmap', regionBytes: 64 << 20 });
const { segments, size } = core;
const loads = segments.filter(({ fileSize }) => fileSize > 0);
const last = loads.at(-1)!;
const lastPage = core.readPhysical(last.paddr! + last.fileSize - PAGE, PAGE);
const mapErrors = core.counters.mapErrors;
await core.close();

/** A map over a border while some of what it covers behind that is mapped, too. */
function overMapped(border: number): string {
  const region = source.map(border, PAGE);
  try {
    return refusal(border - PAGE, 3 * PAGE);
  } finally {
    region.release();
  }
}

const source = new FileSource(PATH);
const tail = new Uint8Array(PAGE);
source.read(last.offset + last.fileSize - PAGE, tail);
const record: RangesRecord = {
  headers: compare(source, 0, PAGE),
  notes: compare(source, 0, loads[0]!.offset + 4 * PAGE),
  borders: loads.slice(1).map(({ offset }) => compare(source, offset - 4 * PAGE, 8 * PAGE)),
  end: compare(source, size - 4 * PAGE, 64 * PAGE),
  lastPageMapped: Buffer.compare(lastPage, tail) === 0,
  mapErrors,
  overTheEnd: refusal(Math.ceil(size / PAGE) * PAGE - PAGE, 2 * PAGE),
  behindTheEnd: refusal(Math.ceil(size / PAGE) * PAGE + PAGE, PAGE),
  overMapped: overMapped(last.offset),
};
source.close();
console.log(JSON.stringify(record));
