// What a crash left: crashes.vm.ts and its like look at it.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Test } from 'tap';
import type { AccessComparison, AccessRow } from '../../benchmarks/access/rows.ts';
import { formatTable } from '../../benchmarks/support/table.ts';
import { labDir, root, run } from '../support/oracles.ts';
import type { DumpRecord } from './capture/records.ts';

/** What a run in the capture kernel left. */
export class Remains {
  /** Of test/vm/kinds.sh. */
  readonly kind: string;
  readonly folder: string;

  constructor(kind: string, folder: string) {
    this.kind = kind;
    this.folder = folder;
  }

  file(name: string): string {
    return join(this.folder, 'out', name);
  }

  text(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** What both kernels printed on the serial console. */
  get console(): string {
    return readFileSync(join(this.folder, 'console.log'), 'utf8');
  }

  /** The debug symbols of the crashed kernel, where they were fetched. */
  get vmlinux(): string | undefined {
    const path = join(this.folder, 'vmlinux');
    return existsSync(path) ? path : undefined;
  }

  dump(level: number, way: string): DumpRecord {
    return JSON.parse(this.text(`${level}-${way}.json`));
  }

  /** The calls of benchmarks/access. */
  get access(): AccessComparison {
    return JSON.parse(this.text('access.json'));
  }
}

/** Crashes a kernel of a kind and runs a script of capture/ in its capture kernel. What that leaves stays where a test fails. */
export async function crash(t: Test, kind: string, script: string, options: string[] = []): Promise<Remains> {
  const folder = join(labDir, `crash-${kind}-${basename(script, '.sh')}`);
  t.teardown(() => {
    if (t.passing()) rmSync(join(folder, 'out'), { recursive: true, force: true });
  });
  await run(`${root}test/vm/make-crash.sh`, [kind, folder, script, ...options], { limit: 3_600_000 });
  return new Remains(kind, folder);
}

/** What a program called on the core; fails where it is not in the table. */
export function callsOf(rows: readonly AccessRow[], program: string, level: number, access: string): number {
  return rows.find((row) => row.program === program && row.level === level && row.access === access)!.sum;
}

export function accessTable(rows: readonly AccessRow[]): string {
  const lines = rows.map(({ program, access, level, maps, unmaps, reads, sum }) => [
    `${program}, ${access}, -d ${level}`,
    ...[maps, unmaps, reads, sum],
  ]);
  return formatTable(['', 'mmap', 'munmap', 'read', 'sum'], lines);
}
