import { randomIntegers } from '../../lib/estimate/random.ts';
import { openVmcore } from '../../lib/index.ts';

/** What scattered reads made of a number of slots. */
export interface ReadsRun {
  readonly slots: number;
  readonly regionBytes: number;
  readonly reads: number;
  readonly misses: number;
  /** Maps, unmaps and preads together. */
  readonly sum: number;
  /** What page tables took if all of what was mapped had some, in bytes. */
  readonly pageTableBytes: number;
}

const READS = 8000;
/** Places that a debugger comes back to: more than the fewest slots, fewer than the most. */
const HOT_PLACES = 24;
/** Every so often the next page of a long scan is read in between. */
const SCAN_EVERY = 8;
const READ_BYTES = 64;
/** A place is so long. */
const PLACE_BYTES = 32 << 10;

/**
 * Reads of a debugger: small ones, over and over in a few places all over the memory, while a list is walked through
 * page after page.
 */
export async function runReads(core: string, slots: number, regionBytes: number): Promise<ReadsRun> {
  const opened = await openVmcore(core, { access: 'mmap', slots, regionBytes });
  const into = new Uint8Array(READ_BYTES);
  const { misses: before } = opened.slotCounters.memory;
  try {
    for (const paddr of addresses(opened.segments)) opened.readPhysical(paddr, into);
    const { misses } = opened.slotCounters.memory;
    await opened.close();
    const { maps, unmaps, preads, mappedHighWater } = opened.counters;
    const sum = maps + unmaps + preads;
    const pageTableBytes = Math.ceil(mappedHighWater / 512);
    return { slots, regionBytes, reads: READS, misses: misses - before, sum, pageTableBytes };
  } finally {
    await opened.close();
  }
}

function* addresses(
  segments: readonly { paddr?: number | undefined; fileSize: number }[],
): Generator<number> {
  const largest = segments.reduce((a, b) => (b.fileSize > a.fileSize ? b : a));
  const random = randomIntegers();
  const at = (offset: number) => (largest.paddr ?? 0) + (offset % (largest.fileSize - PLACE_BYTES));
  const places = Array.from({ length: HOT_PLACES }, () => random() * 64);
  for (let i = 0, scanned = 0; i < READS; i++) {
    if (i % SCAN_EVERY === 0) yield at(scanned++ * 4096);
    else yield at(places[random() % HOT_PLACES]!) + (random() % (PLACE_BYTES - READ_BYTES));
  }
}
