import type { NativeSource } from '../../types/native.d.ts';

/** Calls on one source, counted in the calls themselves; bytes are what was asked for (map) or returned (pread). */
export interface AccessCounters {
  readonly maps: number;
  readonly mapBytes: number;
  readonly mapErrors: number;
  readonly unmaps: number;
  readonly unmapBytes: number;
  readonly unmapErrors: number;
  readonly preads: number;
  readonly preadBytes: number;
  readonly preadErrors: number;
  /** Bytes mapped now. */
  readonly mapped: number;
  /** The most that was mapped at one time, in bytes. Page tables took an eager source 1/512 of it (s390x: 1/256). */
  readonly mappedHighWater: number;
}

/** In the order of the addon's CounterIndex (types/native.d.ts). */
const NAMES = [
  'maps',
  'mapBytes',
  'mapErrors',
  'unmaps',
  'unmapBytes',
  'unmapErrors',
  'preads',
  'preadBytes',
  'preadErrors',
  'mapped',
  'mappedHighWater',
] as const satisfies readonly (keyof AccessCounters)[];

/** States, not sums: a difference of two snapshots keeps the later one's. */
const STATES: ReadonlySet<keyof AccessCounters> = new Set(['mapped', 'mappedHighWater']);

/** Counters of a source that makes no calls. */
export const NO_CALLS: AccessCounters = fromValues(() => 0);

/** A snapshot of what the addon counted. */
export function readCounters(source: NativeSource): AccessCounters {
  const values = new Float64Array(NAMES.length);
  source.counters(values);
  return fromValues((_, index) => values[index]!);
}

/** What happened between two snapshots. */
export function countersBetween(before: AccessCounters, after: AccessCounters): AccessCounters {
  return fromValues((name) => after[name] - (STATES.has(name) ? 0 : before[name]));
}

/** The calls on several sources together. */
export function sumCounters(all: readonly AccessCounters[]): AccessCounters {
  return fromValues((name) => all.reduce((sum, counters) => sum + counters[name], 0));
}

/** Calls of both; of what is mapped the larger. */
export function addCounters(a: AccessCounters, b: AccessCounters): AccessCounters {
  return fromValues((name) => (STATES.has(name) ? Math.max(a[name], b[name]) : a[name] + b[name]));
}

function fromValues(value: (name: keyof AccessCounters, index: number) => number): AccessCounters {
  return Object.fromEntries(NAMES.map((name, index) => [name, value(name, index)])) as Record<
    (typeof NAMES)[number],
    number
  >;
}
