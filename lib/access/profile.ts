import type { ByteSource } from './byte-source.ts';
import type { ReadCosts, ReadLimits } from './read-plan.ts';
import type { AccessPolicy, SlotOptions } from './slots.ts';

/** How each of the access patterns reaches a source: page tables, mem_map and page data never share slots. */
export interface AccessProfile {
  /** Page tables lie far apart, and few of them are read. */
  readonly tables: SlotOptions;
  /** Struct pages are streamed. */
  readonly structPages: SlotOptions;
  /** What users read. */
  readonly memory: SlotOptions;
  /** Page data is read as planned. */
  readonly costs: ReadCosts;
  readonly limits: ReadLimits;
}

const KIB = 1 << 10;
const MIB = 1 << 20;

/**
 * Bytes that one planned map of an eager source covers: its page tables take 1/512 of that, 128 KiB. Of a file, where
 * touched pages count as resident, less than the 64 MiB that may stay mapped (docs/design.md, Mappings).
 */
const EAGER_MAP_BYTES = 64 * MIB;
const LAZY_MAP_BYTES = 32 * MIB;
const PREAD_BYTES = MIB;

/** Nanoseconds, as benchmarks/ measured them on a regular file in the page cache. */
const LAZY_COSTS: ReadCosts = { mapCall: 6000, mapPage: 0, touchPage: 130, readCall: 700, readPage: 250 };
/** As published for /proc/vmcore: 110 us to map and 90 us to unmap 1024 pages, 1 to 2 us to copy one. */
const EAGER_COSTS: ReadCosts = { mapCall: 3000, mapPage: 195, touchPage: 50, readCall: 1000, readPage: 1500 };

/** What suits a source under a policy. */
export function accessProfile(source: ByteSource, policy: AccessPolicy): AccessProfile {
  const slots = (count: number, regionBytes: number, readBytes: number): SlotOptions => ({
    slots: count,
    regionBytes,
    readBytes,
    policy,
  });
  const eager = source.mapping === 'eager';
  return {
    tables: slots(16, 256 * KIB, 16 * KIB),
    structPages: slots(2, 16 * MIB, MIB),
    memory: slots(8, 4 * MIB, 64 * KIB),
    costs: eager ? EAGER_COSTS : LAZY_COSTS,
    limits: {
      map: policy === 'read' ? 0 : eager ? EAGER_MAP_BYTES : LAZY_MAP_BYTES,
      pread: policy === 'mmap' ? 0 : PREAD_BYTES,
    },
  };
}
