import { readFileSync } from 'node:fs';

/** What a process has in memory, in bytes. */
export interface Resident {
  /** RssAnon + RssShmem. */
  readonly own: number;
  /** RssFile: the program itself, and what it mapped of files. */
  readonly mapped: number;
}

const NOTHING: Resident = { own: 0, mapped: 0 };

/** That of a process, or of this one; nothing when it has ended. */
export function residentOf(pid: number | 'self'): Resident {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return NOTHING;
  }
  const lines = status.matchAll(/^Rss(\w+):\s+(\d+) kB$/gm);
  const of = new Map(Array.from(lines, ([, name, kib]) => [name, Number(kib) * 1024]));
  return { own: (of.get('Anon') ?? 0) + (of.get('Shmem') ?? 0), mapped: of.get('File') ?? 0 };
}

/** The most of each. */
export function mostOf(a: Resident, b: Resident): Resident {
  return { own: Math.max(a.own, b.own), mapped: Math.max(a.mapped, b.mapped) };
}
