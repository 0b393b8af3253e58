import type { ByteSource } from './byte-source.ts';
import { type AccessCounters, countersBetween } from './counters.ts';

/** Calls on a source, and the maps among them that failed, by reason. */
export interface SourceCalls {
  readonly counters: AccessCounters;
  readonly mapFailures: Readonly<Record<string, number>>;
}

/** What was called on a source so far. */
export function callsOf(source: ByteSource): SourceCalls {
  return { counters: source.counters(), mapFailures: { ...source.mapFailures } };
}

/** What was called between two snapshots. */
export function callsBetween(before: SourceCalls, after: SourceCalls): SourceCalls {
  const failures = Object.entries(after.mapFailures).map(
    ([reason, count]) => [reason, count - (before.mapFailures[reason] ?? 0)] as const,
  );
  return {
    counters: countersBetween(before.counters, after.counters),
    mapFailures: Object.fromEntries(failures.filter(([, count]) => count > 0)),
  };
}
