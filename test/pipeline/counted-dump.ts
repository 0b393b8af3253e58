import { fileURLToPath } from 'node:url';
import type { AccessCounters, AccessPolicy } from '../../lib/index.ts';

/** A dump by a process of its own. */
export interface CountedDump {
  readonly core: string;
  readonly output: string;
  readonly level: number;
  readonly access?: AccessPolicy;
  readonly regionBytes?: number;
  readonly workers?: number;
  readonly strict?: boolean;
  /** Bytes of address space that are left to the process when it begins; no limit when absent. */
  readonly headroom?: number;
}

export interface DumpedCore {
  readonly calls: AccessCounters;
  readonly mapFailures: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** pfn and code of each page that could not be read, as far as they are listed; and the number of all. */
  readonly unreadable: readonly (readonly [number, string])[];
  readonly unreadablePages: number;
}

/** What node is given to run it; it prints a DumpedCore as JSON. */
export function countedDump(dump: CountedDump): string[] {
  return [programPath('counted-dump'), JSON.stringify(dump)];
}

export function programPath(name: string): string {
  return fileURLToPath(new URL(`programs/${name}.js`, import.meta.url));
}
