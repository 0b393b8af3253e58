import { realpathSync } from 'node:fs';
import { type AccessPolicy, type AccessRun, measureAccess } from '../../lib/bench/index.ts';
import { isInstalled, makedumpfileVersion, traceMakedumpfile } from '../support/makedumpfile.ts';

/** Calls on the core of one dump by one program: a line of the table. */
export interface AccessRow {
  readonly program: 'vmcore' | 'makedumpfile';
  readonly level: number;
  readonly access: AccessPolicy;
  readonly maps: number;
  readonly unmaps: number;
  readonly reads: number;
  readonly sum: number;
}

/** What was counted of one core. */
export interface AccessComparison {
  readonly rows: readonly AccessRow[];
  /** All that was measured of this library. */
  readonly runs: readonly AccessRun[];
  /** Version of the makedumpfile that was traced. */
  readonly makedumpfile: string | undefined;
  /** Why there is none of makedumpfile. */
  readonly missing: string | undefined;
}

/** How makedumpfile reaches a core. */
const theirWays = ['mmap', 'read'] as const;

/** Counts the calls of dumps at each level, ours by their own counters and makedumpfile's by strace. */
export async function compareAccess(
  core: string,
  levels: readonly number[],
  access: readonly AccessPolicy[] = ['mmap', 'read', 'auto'],
): Promise<AccessComparison> {
  const { runs } = await measureAccess(core, { levels, access });
  const makedumpfile = makedumpfileVersion();
  const missing = makedumpfile === undefined ? 'makedumpfile' : isInstalled('strace') ? undefined : 'strace';
  const rows: AccessRow[] = [];
  for (const level of levels) {
    rows.push(...runs.filter((run) => run.level === level).map(ourRow));
    if (missing) continue;
    for (const way of theirWays) if (access.includes(way)) rows.push(await theirRow(core, level, way));
  }
  return { rows, runs, makedumpfile, missing: missing && `${missing} is not installed` };
}

function ourRow({ level, access, calls, sum }: AccessRun): AccessRow {
  const { maps, unmaps, preads } = calls;
  return { program: 'vmcore', level, access, maps, unmaps, reads: preads, sum };
}

async function theirRow(core: string, level: number, access: (typeof theirWays)[number]): Promise<AccessRow> {
  const options = ['-d', String(level), ...(access === 'read' ? ['--non-mmap'] : [])];
  // strace prints the names that the kernel knows.
  const { maps, unmaps, reads } = await traceMakedumpfile(realpathSync(core), options);
  return { program: 'makedumpfile', level, access, maps, unmaps, reads, sum: maps + unmaps + reads };
}
