import { isVmcoreError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { Parts } from './parts.ts';
import type { ReadCosts } from './read-plan.ts';

/** Each sample is taken so often, and the median of all but the first counts: that one runs code that is cold. */
const ROUNDS = 4;
/** Nanoseconds: a system call and what is done for it here, where the difference of two measurements says less. */
const LEAST_READ_CALL = 500;
/** Positions that a calibration uses. */
export const CALIBRATION_POSITIONS = 2 * ROUNDS;

/**
 * Measures on a source what its calls and pages cost, in nanoseconds: a short and a long map, a short and a long pread,
 * {@link ROUNDS} times at different places, so that no page is met twice. `positions` are file offsets, where a map
 * can begin, of `sampleBytes` that may be read. Returns undefined when a call fails: nothing is known then.
 */
export function calibrate(
  source: ByteSource,
  positions: readonly number[],
  sampleBytes: number,
  pageSize: number,
): ReadCosts | undefined {
  try {
    return measure(source, positions, sampleBytes, pageSize);
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_IO')) return undefined;
    throw error;
  }
}

function measure(
  source: ByteSource,
  positions: readonly number[],
  sampleBytes: number,
  pageSize: number,
): ReadCosts {
  const pages = sampleBytes / pageSize;
  const buffer = new Uint8Array(sampleBytes);
  const shortMap: number[] = [];
  const longMap: number[] = [];
  const touch: number[] = [];
  const shortRead: number[] = [];
  const longRead: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const mapAt = positions[2 * round]!;
    const readAt = positions[2 * round + 1]!;
    shortMap.push(elapsed(() => source.map(mapAt, pageSize).release()));
    const mapped = timeMapping(source, mapAt, buffer);
    longMap.push(mapped.call);
    touch.push(mapped.touch / pages);
    shortRead.push(elapsed(() => source.read(readAt, buffer.subarray(0, pageSize))));
    longRead.push(elapsed(() => source.read(readAt, buffer)));
  }
  const mapPage = perPage(median(shortMap), median(longMap), pages);
  const readPage = perPage(median(shortRead), median(longRead), pages);
  return {
    mapCall: positive(median(shortMap) - mapPage),
    mapPage: source.mapping === 'eager' ? mapPage : 0,
    touchPage: positive(median(touch)),
    readCall: Math.max(median(shortRead) - readPage, LEAST_READ_CALL),
    readPage: positive(readPage),
  };
}

/**
 * Nanoseconds of the map and unmap calls, and of copying all pages between them: a page that was read is in the caches
 * then, and one that was only touched is not.
 */
function timeMapping(
  source: ByteSource,
  position: number,
  into: Uint8Array,
): { call: number; touch: number } {
  const parts = new Parts();
  parts.push(0, into.length);
  const started = process.hrtime.bigint();
  const region = source.map(position, into.length);
  try {
    const mapped = process.hrtime.bigint();
    region.gather(position, parts, into);
    const touched = process.hrtime.bigint();
    region.check();
    const checked = process.hrtime.bigint();
    region.release();
    return {
      call: Number(mapped - started + process.hrtime.bigint() - checked),
      touch: Number(touched - mapped),
    };
  } finally {
    region.release();
  }
}

function elapsed(work: () => void): number {
  const started = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - started);
}

function perPage(short: number, long: number, pages: number): number {
  return Math.max(0, (long - short) / (pages - 1));
}

function median(values: readonly number[]): number {
  const warm = values.slice(1).sort((a, b) => a - b);
  return warm[warm.length >> 1]!;
}

/** A cost of nothing would make calls or pages free: noise, not the truth. */
function positive(cost: number): number {
  return Math.max(cost, 1);
}
