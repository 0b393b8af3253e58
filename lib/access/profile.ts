import { argumentError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import type { CopiedRanges } from './copied-ranges.ts';
import type { MapBorders } from './map-borders.ts';
import { native } from './native.ts';
import { BYTES_PER_TABLE_BYTE, DEFAULT_PAGE_TABLE_BUDGET } from './page-table-budget.ts';
import type { ReadCosts, ReadLimits, ReadObjective } from './read-plan.ts';
import type { AccessPolicy, SlotOptions } from './slots.ts';

/** How each of the access patterns reaches a source: page tables, mem_map and page data never share slots. */
export interface AccessProfile {
  readonly policy: AccessPolicy;
  /** Page tables lie far apart, and few of them are read. */
  readonly tables: SlotOptions;
  /** Struct pages are streamed. */
  readonly structPages: SlotOptions;
  /** What users read. */
  readonly memory: SlotOptions;
  /** What the page tables of all regions and maps take at most where a map fills them at once, in bytes; else 0. */
  readonly pageTableBytes: number;
  /** Page data is read as planned. */
  readonly costs: ReadCosts;
  /** By what a plan is made for, for each of `readers` threads at one time: longer maps save calls, not time. */
  limits(objective: ReadObjective, readers: number): ReadLimits;
}

const KIB = 1 << 10;
const MIB = 1 << 20;
const GIB = 1 << 30;

/** How the user wants a source to be reached. */
export interface AccessOptions {
  /** `auto` (default) plans by cost, `mmap` and `read` do only that where it works. */
  readonly access?: AccessPolicy | undefined;
  /** Regions that reads of users keep; default 8. */
  readonly slots?: number | undefined;
  /**
   * Longest region in bytes, a power of two from 64 KiB on. Default: 4 MiB for what users read, 16 MiB for struct pages, 256 KiB
   * for page tables, in a plan 32 MiB; in a plan for the fewest calls on /proc/vmcore what the page-table budget allows. No
   * pread is longer either; by default 12 MiB of a file, 1 MiB of /proc/vmcore.
   */
  readonly regionBytes?: number | undefined;
  /**
   * What the page tables of all mappings of the process may take, in bytes; default 2 MiB. It is held on /proc/vmcore,
   * where mapping fills them at once: 1/512 of what is mapped, 1/256 on s390x.
   */
  readonly pageTableBudget?: number | undefined;
  /**
   * Bytes of physical memory, from 0 on, that are read and never mapped. Default: on /proc/vmcore of an s390x dump by
   * firmware what lies in the hardware's save area (HSA), else 0.
   */
  readonly hsaBytes?: number | undefined;
}

/** Touched pages of a file count as resident: all planned maps of a moment together are at most so long. */
const LAZY_MAPPED_BYTES = 48 * MIB;
/** Longer maps save no time: the two calls are a hundredth of what the pages of so many bytes cost. */
const PLAN_BYTES = 32 * MIB;
const REGION_BYTES = 4 * MIB;
const TABLE_REGION_BYTES = 256 * KIB;
const STRUCT_PAGE_REGION_BYTES = 16 * MIB;
const TABLE_SLOTS = 16;
const STRUCT_PAGE_SLOTS = 2;
const SLOTS = 8;
/** Of /proc/vmcore, in a capture kernel with little memory; a file is read with as few calls as there may be (below). */
const PREAD_BYTES = MIB;
const LAZY_PREAD_BYTES = 12 * MIB;
/** Reading a file into memory that was never used costs 4 to 25 us a page more than into memory that was. */
const SHORT_PREAD_BYTES = 4 * MIB;
const SMALLEST_REGION_BYTES = 64 * KIB;
const SMALLEST_READ_BYTES = 16 * KIB;
/**
 * Calls for a GiB of a file: 250 for 2 GiB is the aim, with those that find out which pages are wanted. A quarter of them is
 * for whoever comes first, since some parts of memory are more fragmented than others.
 */
const LAZY_CALLS_PER_GIB = 75;
const LAZY_CALLS_AHEAD_PER_GIB = 25;
/** Of 8 GiB at level 31: with 8, nearly twice as many calls for 2 % less that is read; with 256, a tenth fewer for 1 % more. */
const LAZY_PAGES_FOR_CALL = 96;
/** Calls of the longest preads for a GiB, and a tenth for ranges that do not fill them. */
const READ_CALLS = 1.1 * GIB;
/** Nanoseconds, where they can't be measured: of a file in the page cache (benchmarks/README.md). */
const LAZY_COSTS: ReadCosts = { mapCall: 6000, mapPage: 0, touchPage: 1200, readCall: 700, readPage: 700 };
/** As published for /proc/vmcore: 110 us to map and 90 us to unmap 1024 pages, 1 to 2 us to copy one. */
const EAGER_COSTS: ReadCosts = { mapCall: 3000, mapPage: 195, touchPage: 50, readCall: 1000, readPage: 1500 };

/** Where each page is decompressed when it is read, calls are nothing and pages are all: none is read for its neighbours. */
const DECOMPRESS_COSTS: ReadCosts = { mapCall: 0, mapPage: 0, touchPage: 0, readCall: 1000, readPage: 10000 };
const DECOMPRESS_SLOTS = 64;
const DECOMPRESS_BYTES = 4 * KIB;

/**
 * What suits a source. With a `scale` below 1, a power of two, all regions and maps get that much smaller.
 * @throws VmcoreError ERR_VMCORE_ARGUMENT for options that are out of range.
 */
export function accessProfile(
  source: ByteSource,
  options: AccessOptions,
  borders?: MapBorders,
  copied?: CopiedRanges,
  scale = 1,
): AccessProfile {
  const { policy, slots, regionBytes, pageTableBudget } = checkAccessOptions(options);
  if (source.mapping === 'none') return readProfile(slots, scale);
  const eager = source.mapping === 'eager';
  const pattern = (count: number, wanted: number, readBytes: number): SlotOptions => {
    const bytes = scaled(Math.min(wanted, regionBytes ?? wanted), scale, SMALLEST_REGION_BYTES);
    const read = Math.min(bytes, scaled(readBytes, scale, SMALLEST_READ_BYTES));
    return { slots: count, regionBytes: bytes, readBytes: read, policy, borders, copied };
  };
  const tables = pattern(TABLE_SLOTS, TABLE_REGION_BYTES, 16 * KIB);
  // All of them are looked at: a page of a file is cheaper to read than to touch in a mapping, if it is read into memory
  // that was used before (docs/performance.md).
  const readsToo = policy === 'auto' && !eager;
  const structPages: SlotOptions = {
    ...pattern(readsToo ? 1 : STRUCT_PAGE_SLOTS, STRUCT_PAGE_REGION_BYTES, MIB),
    policy: readsToo ? 'read' : policy,
  };
  const memory = pattern(slots, regionBytes ?? REGION_BYTES, 64 * KIB);
  const inSlots = [tables, structPages, memory].reduce((sum, s) => sum + s.slots * s.regionBytes, 0);
  return {
    policy,
    tables,
    structPages,
    memory,
    pageTableBytes: eager ? pageTableBudget * scale : 0,
    costs: eager ? EAGER_COSTS : LAZY_COSTS,
    limits: planLimits(source, {
      ...{ policy, regionBytes, scale, borders, copied },
      mappable: pageTableBudget * scale * BYTES_PER_TABLE_BYTE - inSlots,
    }),
  };
}

/** What the limits of a plan depend on beside what it is made for. */
interface PlanBounds {
  readonly policy: AccessPolicy;
  readonly regionBytes: number | undefined;
  readonly scale: number;
  /** What page tables have room for where a map fills them at once, in bytes. */
  readonly mappable: number;
  readonly borders: MapBorders | undefined;
  readonly copied: CopiedRanges | undefined;
}

/** Of a source that can be mapped. */
function planLimits(source: ByteSource, bounds: PlanBounds): AccessProfile['limits'] {
  const { policy, regionBytes, scale, mappable, borders, copied } = bounds;
  const eager = source.mapping === 'eager';
  const readsToo = policy === 'auto' && !eager;
  const longestRead = eager ? PREAD_BYTES : LAZY_PREAD_BYTES;
  const pread = scaled(Math.min(longestRead, regionBytes ?? longestRead), scale, SMALLEST_REGION_BYTES);
  const allowed = (readers: number): number =>
    eager
      ? powerOfTwoBelow(Math.max(SMALLEST_REGION_BYTES, mappable / readers))
      : Math.min(PLAN_BYTES * scale, wholePages((LAZY_MAPPED_BYTES * scale) / readers));
  return (objective, readers) => {
    const longest = objective === 'time' ? PLAN_BYTES : Number.POSITIVE_INFINITY;
    const map = Math.min(allowed(readers), scaled(regionBytes ?? longest, scale, SMALLEST_REGION_BYTES));
    return {
      map: policy === 'read' ? 0 : map,
      pread: policy === 'mmap' ? 0 : pread,
      wantedOnly: eager,
      shortPread: policy === 'mmap' ? undefined : Math.min(pread, SHORT_PREAD_BYTES),
      // As many as it takes to map everything: a map is two calls. Of a file as many as there may be.
      callsPerGiB: policy === 'read' ? undefined : readsToo ? LAZY_CALLS_PER_GIB : (2 * GIB) / map,
      callsPerWantedGiB: readsToo ? READ_CALLS / pread : undefined,
      pagesForCall: readsToo ? LAZY_PAGES_FOR_CALL : undefined,
      callsPerSkippedGiB: readsToo ? LAZY_CALLS_PER_GIB : undefined,
      callsAhead: readsToo ? (LAZY_CALLS_AHEAD_PER_GIB * source.size) / GIB : undefined,
      hostPage: native().pageSize,
      borders,
      copied,
    };
  };
}

/** Nothing can be mapped: decompressed pages are kept singly, but struct pages are read one after another. */
function readProfile(slots: number, scale: number): AccessProfile {
  const policy = 'read';
  const readBytes = scaled(PREAD_BYTES, scale, SMALLEST_REGION_BYTES);
  const few = { regionBytes: DECOMPRESS_BYTES, readBytes: DECOMPRESS_BYTES, policy } as const;
  return {
    policy,
    tables: { slots: DECOMPRESS_SLOTS, ...few },
    structPages: { slots: STRUCT_PAGE_SLOTS, regionBytes: readBytes, readBytes, policy },
    memory: { slots: Math.max(DECOMPRESS_SLOTS, slots), ...few },
    pageTableBytes: 0,
    costs: DECOMPRESS_COSTS,
    limits: () => ({ map: 0, pread: readBytes }),
  };
}

/** No smaller than `least`, unless it was before. */
function scaled(bytes: number, scale: number, least: number): number {
  return Math.max(bytes * scale, Math.min(bytes, least));
}

/** Maps begin and end at pages of the host, of at most this many bytes (arm64). */
function wholePages(bytes: number): number {
  return Math.max(SMALLEST_REGION_BYTES, bytes - (bytes % SMALLEST_REGION_BYTES));
}

/** The options with their defaults. @throws VmcoreError ERR_VMCORE_ARGUMENT for those that are out of range. */
export function checkAccessOptions(options: AccessOptions) {
  const {
    access = 'auto',
    slots = SLOTS,
    regionBytes,
    pageTableBudget = DEFAULT_PAGE_TABLE_BUDGET,
  } = options;
  if (access !== 'auto' && access !== 'mmap' && access !== 'read') {
    throw argumentError(`access is 'auto', 'mmap' or 'read', not ${String(access)}`);
  }
  if (!Number.isInteger(slots) || slots < 1 || slots > 4096)
    throw argumentError(`slots: 1 to 4096, not ${slots}`);
  if (
    regionBytes !== undefined &&
    (!(regionBytes >= SMALLEST_REGION_BYTES) || regionBytes !== powerOfTwoBelow(regionBytes))
  ) {
    throw argumentError(`regionBytes is a power of two from ${SMALLEST_REGION_BYTES} on, not ${regionBytes}`);
  }
  if (!Number.isSafeInteger(pageTableBudget) || pageTableBudget < 4 * KIB) {
    throw argumentError(`pageTableBudget is at least 4096 bytes, not ${pageTableBudget}`);
  }
  const { hsaBytes } = options;
  if (hsaBytes !== undefined && !(Number.isSafeInteger(hsaBytes) && hsaBytes >= 0)) {
    throw argumentError(`hsaBytes is a number of bytes, not ${hsaBytes}`);
  }
  return { policy: access, slots, regionBytes, pageTableBudget };
}

/** `bytes` itself when it is a power of two. */
function powerOfTwoBelow(bytes: number): number {
  return 2 ** Math.floor(Math.log2(bytes));
}
