import { fileURLToPath } from 'node:url';
import type { AccessCounters, AccessPolicy } from '../../lib/index.ts';

/** A dump by a process of its own. */
export interface CountedDump {
  readonly core: string;
  readonly output: string;
  readonly level: number;
  readonly access?: AccessPolicy;
  readonly regionBytes?: number;
  /** Bytes of address space that are left to the process when it begins; no limit when absent. */
  readonly headroom?: number;
}

export interface DumpedCore {
  readonly calls: AccessCounters;
  readonly mapFailures: Readonly<Record<string, number>>;
  readonly bytes: number;
}

/** What node is given to run it; it prints a DumpedCore as JSON. */
export function countedDump(dump: CountedDump): string[] {
  return [fileURLToPath(new URL('programs/counted-dump.js', import.meta.url)), JSON.stringify(dump)];
}
