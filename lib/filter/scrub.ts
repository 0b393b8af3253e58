import type { VirtualMemory } from '../memory/virtual.ts';

/** Physical memory that is overwritten before a dump has it. Plain data: it can be sent to a worker. */
export interface ScrubRange {
  /** Its first byte, and the one behind it. */
  readonly start: number;
  readonly end: number;
  /** What each byte becomes. */
  readonly byte: number;
}

/** The same bytes as ranges in ascending order of which no two overlap. */
export function disjointRanges(ranges: readonly ScrubRange[]): ScrubRange[] {
  const disjoint: ScrubRange[] = [];
  for (const { start, end, byte } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = disjoint.at(-1);
    if (last && start <= last.end && byte === last.byte) {
      disjoint[disjoint.length - 1] = { ...last, end: Math.max(last.end, end) };
    } else {
      const from = Math.max(start, last?.end ?? 0);
      if (from < end) disjoint.push({ start: from, end, byte });
    }
  }
  return disjoint;
}

/** Overwrites ranges of physical memory in what is read of it. */
export class Scrubber {
  readonly #ranges: readonly ScrubRange[];

  /** @param ranges see {@link disjointRanges}. */
  constructor(ranges: readonly ScrubRange[]) {
    this.#ranges = ranges;
  }

  /** Overwrites what is to be scrubbed of the bytes of memory from `paddr` on. */
  scrub(paddr: number, bytes: Uint8Array): void {
    const end = paddr + bytes.length;
    for (let i = this.#rangeBehind(paddr); i < this.#ranges.length && this.#ranges[i]!.start < end; i++) {
      const range = this.#ranges[i]!;
      bytes.fill(range.byte, Math.max(range.start, paddr) - paddr, Math.min(range.end, end) - paddr);
    }
  }

  /** Index of the first range that ends behind an address. */
  #rangeBehind(paddr: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.end > paddr) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** What reads virtual memory. */
type Reader = Pick<VirtualMemory, 'read'>;

/** Memory as it is read in a dump that is scrubbed. */
export function scrubbedMemory(memory: VirtualMemory, ranges: readonly ScrubRange[]): Reader {
  const scrubber = new Scrubber(ranges);
  return {
    read(vaddr, into) {
      memory.read(vaddr, into);
      for (let done = 0; done < into.length; ) {
        const { paddr, contiguous } = memory.addressSpace.translate(vaddr + BigInt(done));
        const part = into.subarray(done, done + contiguous);
        scrubber.scrub(paddr, part);
        done += part.length;
      }
      return into;
    },
  };
}
