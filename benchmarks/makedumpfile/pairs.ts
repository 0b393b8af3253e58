// One dump by this library and one by makedumpfile, of the same core at the same level with the same codec.
import { createReadStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { codecOf, run, runMakedumpfile, stepSeconds } from '../support/makedumpfile.ts';

/** Codecs that Debian's makedumpfile has too, and its options for them. */
export const CODEC_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  none: [],
  zlib: ['-c'],
  zstd: ['-z'],
};

/** Seconds of one dump. */
export interface DumpTimes {
  /** From the start of the process to its end. */
  readonly whole: number;
  /** Deciding which pages are kept; undefined where makedumpfile skips that step. */
  readonly classify: number | undefined;
  /** Of the dump. */
  readonly bytes: number;
}

export interface Pair {
  readonly ours: DumpTimes;
  readonly theirs: DumpTimes;
}

const COMMAND = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));

/** Both read a core that is in the page cache, and write to `folder`. */
export async function runPair(core: string, level: number, codec: string, folder: string): Promise<Pair> {
  await readThrough(core);
  const ours = await ourDump(core, level, codec, join(folder, 'vmcore-ours'));
  await readThrough(core);
  const theirs = await theirDump(core, level, codec, join(folder, 'vmcore-theirs'));
  return { ours, theirs };
}

async function ourDump(core: string, level: number, codec: string, output: string): Promise<DumpTimes> {
  const args = [
    COMMAND,
    'dump',
    '--json',
    '--message-level',
    '0',
    '--compression',
    codec,
    '-d',
    String(level),
  ];
  const { result, seconds } = await timed(() => run(process.execPath, [...args, '-f', core, output]));
  const classify = /"phase":\s*"classify",\s*"duration":\s*(\d+)/.exec(result)?.[1];
  return { whole: seconds, classify: Number(classify) / 1e9, bytes: sizeAndRemove(output) };
}

async function theirDump(core: string, level: number, codec: string, output: string): Promise<DumpTimes> {
  const options = [...CODEC_OPTIONS[codec]!, '-d', String(level)];
  const { result, seconds } = await timed(() => runMakedumpfile(options, core, output));
  const written = codecOf(output);
  if (written !== codec) throw new Error(`this makedumpfile wrote ${written} when asked for ${codec}`);
  const classify = stepSeconds(result, 'Excluding unnecessary pages')[0];
  return { whole: seconds, classify, bytes: sizeAndRemove(output) };
}

/** Seconds that a process takes that does nothing: what ours starts with. */
export async function startOfNode(): Promise<number> {
  return (await timed(() => run(process.execPath, ['-e', '0']))).seconds;
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const started = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - started) / 1000 };
}

async function readThrough(path: string): Promise<void> {
  const stream = createReadStream(path, { highWaterMark: 1 << 22 });
  for await (const _ of stream);
}

function sizeAndRemove(path: string): number {
  const { size } = statSync(path);
  rmSync(path);
  return size;
}
