import { FileSource } from '../access/file-source.ts';
import { type AccessPolicy, Slots } from '../access/slots.ts';
import { randomIntegers } from '../estimate/random.ts';
import { describeMachine, type Machine } from './machine.ts';
import { median } from './statistics.ts';

/** What one hit in the slots costs, in nanoseconds. */
export interface SlotHitCost {
  /** What the slots hold: mapped regions, or buffers that pread filled. */
  readonly access: Exclude<AccessPolicy, 'auto'>;
  /** Where the next hit is: in the region of the one before, or in any of the slots. */
  readonly where: 'same region' | 'any region';
  /** Bytes that are wanted. */
  readonly bytes: number;
  /** Finding them, and looking at the first. */
  readonly borrowed: number;
  /** Finding them, copying them, and looking at the first. */
  readonly copied: number;
}

/** What {@link measureSlotHits} found. */
export interface SlotHitReport {
  readonly machine: Machine;
  readonly file: string;
  readonly slots: number;
  readonly costs: readonly SlotHitCost[];
}

const SIZES = [8, 4096];
const BATCHES = 25;
const HITS = 10_000;
/** All hits are in so many bytes of each region, which a CPU's cache holds. */
const HOT_BYTES = 16 << 10;

/**
 * Measures what a hit in the slots costs when the bytes are borrowed and when they are copied. All of them were touched
 * before and fit into the CPU's cache: this is the price of the hit and of the copy, not of the first touch.
 * @throws VmcoreError ERR_VMCORE_OPEN.
 */
export function measureSlotHits(path: string, slotCount = 8): SlotHitReport {
  const machine = describeMachine();
  const source = new FileSource(path);
  try {
    const regionBytes = regionSize(source.size / slotCount);
    const costs = (['mmap', 'read'] as const).flatMap((access) => {
      const options = { slots: slotCount, regionBytes, readBytes: regionBytes, policy: access };
      const slots = new Slots(source, options);
      try {
        return SIZES.flatMap((bytes) => [
          {
            access,
            where: 'same region',
            bytes,
            ...timeHits(slots, positions(1, regionBytes), bytes),
          } as const,
          {
            access,
            where: 'any region',
            bytes,
            ...timeHits(slots, positions(slotCount, regionBytes), bytes),
          } as const,
        ]);
      } finally {
        slots.release();
      }
    });
    return { machine, file: path, slots: slotCount, costs };
  } finally {
    source.close();
  }
}

/** The largest power of two of at most `limit` bytes and 1 MiB. */
function regionSize(limit: number): number {
  return 2 ** Math.floor(Math.log2(Math.min(limit, 1 << 20)));
}

/** File offsets that hit the hot part of the first regions of a grid. */
function positions(regions: number, regionBytes: number): number[] {
  const random = randomIntegers();
  const hotPages = Math.max(1, Math.min(HOT_BYTES, regionBytes) >> 12);
  return Array.from(
    { length: HITS },
    () => (random() % regions) * regionBytes + (random() % hotPages) * 4096,
  );
}

function timeHits(
  slots: Slots,
  wanted: readonly number[],
  bytes: number,
): { borrowed: number; copied: number } {
  const into = new Uint8Array(bytes);
  const borrowed: number[] = [];
  const copied: number[] = [];
  // The first batches compile the code and touch the pages.
  for (let batch = 0; batch < BATCHES; batch++) {
    borrowed.push(nanosecondsOf(() => borrowAll(slots, wanted)) / wanted.length);
    copied.push(nanosecondsOf(() => copyAll(slots, wanted, into)) / wanted.length);
  }
  return { borrowed: median(borrowed), copied: median(copied) };
}

function borrowAll(slots: Slots, wanted: readonly number[]): number {
  let sum = 0;
  for (const position of wanted) {
    const { bytes, start } = slots.window(position);
    sum += bytes[position - start]!;
  }
  return sum;
}

function copyAll(slots: Slots, wanted: readonly number[], into: Uint8Array): number {
  let sum = 0;
  for (const position of wanted) {
    slots.read(position, into);
    sum += into[0]!;
  }
  return sum;
}

function nanosecondsOf(work: () => unknown): number {
  const started = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - started);
}
