import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DumpReport } from '../../lib/index.ts';
import { mixClasses } from '../../test/support/page-mix.ts';
import { type ScaleCore, writeScaleCore } from '../../test/support/scale-core.ts';
import { type OutputFolder, warmFile } from '../support/files.ts';
import { judgingSeconds, run, runMakedumpfile } from '../support/makedumpfile.ts';

export interface ScaleOptions {
  readonly workers: number;
  /** Bytes. */
  readonly budget: number;
  /** Whether makedumpfile runs on the same cores. */
  readonly compare: boolean;
}

/** What came of a core of one size. */
export interface ScaleRun {
  /** Bytes of memory. */
  readonly memory: number;
  /** Of its core, bytes. */
  readonly memMap: number;
  /** Seconds for deciding which pages are kept; NaN where makedumpfile did not run. */
  readonly ours: number;
  readonly theirs: number;
  /** Seconds in which this memory gives as many bytes as the struct pages have. */
  readonly floor: number;
  /** Seconds for copying. */
  readonly copy: number;
  /** The most that our process had, in bytes: RssAnon + RssShmem, and of the file. */
  readonly own: number;
  readonly mapped: number;
  /** Wrong counts; empty where all are the generator's. */
  readonly differences: readonly string[];
}

interface OurDump extends Pick<DumpReport, 'original' | 'excluded' | 'written'> {
  readonly seconds: Readonly<Record<'classify' | 'write', number>>;
  readonly own: number;
  readonly mapped: number;
}

const DUMP = fileURLToPath(new URL('./dump.js', import.meta.url));

/** Makes a core, dumps it with both programs, and deletes it. */
export async function measureSize(
  memory: number,
  { workers, budget, compare }: ScaleOptions,
  folder: OutputFolder,
): Promise<ScaleRun> {
  const core = folder.file('core');
  try {
    const made = writeScaleCore(core, { memory });
    const floor = made.memMap / bandwidth();
    warmFile(core, made.written);
    const ours: OurDump = JSON.parse(
      await run(process.execPath, [DUMP, core, String(workers), String(budget)]),
    );
    // What it copied may have pushed them out.
    warmFile(core, made.written);
    const messages = compare ? await runMakedumpfile(['-d', '31'], core, '/dev/null') : '';
    return {
      memory,
      memMap: made.memMap,
      ours: ours.seconds.classify,
      theirs: compare ? judgingSeconds(messages) : Number.NaN,
      floor,
      copy: ours.seconds.write,
      own: ours.own,
      mapped: ours.mapped,
      differences: [...ourDifferences(made, ours), ...(compare ? theirDifferences(made, messages) : [])],
    };
  } finally {
    rmSync(core, { force: true });
  }
}

function ourDifferences({ counts, pages }: ScaleCore, { excluded, written, original }: OurDump): string[] {
  const found = { ...excluded, kept: written };
  const wrong = mixClasses.filter((name) => found[name] !== counts[name]);
  return [
    ...wrong.map((name) => `${name}: ${found[name]}, made ${counts[name]}`),
    ...(original === pages ? [] : [`pages: ${original}, made ${pages}`]),
  ];
}

const THEIR_CLASSES = {
  cache: 'Non-private cache pages',
  cachePrivate: 'Private cache pages',
  user: 'User process data pages',
  free: 'Free pages',
} as const;

function theirDifferences({ counts }: ScaleCore, messages: string): string[] {
  return Object.entries(THEIR_CLASSES).flatMap(([name, line]) => {
    const found = Number(new RegExp(`^ *${line}\\s*: (0x[0-9a-f]+)$`, 'm').exec(messages)?.[1]);
    const made = counts[name as keyof typeof THEIR_CLASSES];
    return found === made ? [] : [`makedumpfile, ${name}: ${found}, made ${made}`];
  });
}

const BANDWIDTH_BYTES = 512 << 20;
const BANDWIDTH_RUNS = 3;

/** Bytes of memory that one thread can look at in a second: memchr over more than caches hold. */
function bandwidth(): number {
  const bytes = Buffer.alloc(BANDWIDTH_BYTES, 1);
  const seconds = Array.from({ length: BANDWIDTH_RUNS }, () => {
    const started = performance.now();
    if (bytes.indexOf(0) >= 0) throw new Error('there is no such byte');
    return (performance.now() - started) / 1000;
  });
  return BANDWIDTH_BYTES / Math.min(...seconds);
}
