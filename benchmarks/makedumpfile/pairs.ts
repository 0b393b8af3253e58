import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from '../../lib/bench/index.ts';
import type { DumpReport } from '../../lib/index.ts';
import { type OutputFolder, warmFile } from '../support/files.ts';
import { codecOf, run, runMakedumpfile, stepSeconds } from '../support/makedumpfile.ts';

/** Codecs that both programs have, by makedumpfile's option. */
export const CODEC_OPTIONS = { none: [], zlib: ['-c'] } as const;
export type ComparedCodec = keyof typeof CODEC_OPTIONS;

/** Seconds of one dump. */
export interface DumpTimes {
  /** From starting the program to its end. */
  readonly whole: number;
  /** Of it, for deciding which pages are kept. */
  readonly classify: number;
}

/** Dumps of both programs, one right after the other, several times. */
export interface PairedRuns {
  readonly level: number;
  readonly codec: ComparedCodec;
  readonly ours: readonly DumpTimes[];
  readonly theirs: readonly DumpTimes[];
  /** Medians of the ratios ours/theirs of the pairs. */
  readonly ratio: DumpTimes;
}

/** Alternates between the programs, and who is first, so that what disturbs the machine disturbs both. */
export async function runPairs(
  core: string,
  level: number,
  codec: ComparedCodec,
  pairs: number,
  folder: OutputFolder,
): Promise<PairedRuns> {
  const ours: DumpTimes[] = [];
  const theirs: DumpTimes[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    warmFile(core);
    if (pair % 2 === 1) ours.push(await ourDump(core, level, codec, folder));
    theirs.push(await theirDump(core, level, codec, folder));
    if (pair % 2 === 0) ours.push(await ourDump(core, level, codec, folder));
  }
  const ratio = (name: keyof DumpTimes) => median(ours.map((times, i) => times[name] / theirs[i]![name]));
  return { level, codec, ours, theirs, ratio: { whole: ratio('whole'), classify: ratio('classify') } };
}

/** Seconds that Node.js takes to start and end: part of every dump of ours. */
export async function nodeStart(times: number): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < times; i++) seconds.push(await secondsOf(() => run(process.execPath, ['-e', '0'])));
  return median(seconds);
}

const COMMAND = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));

async function ourDump(
  core: string,
  level: number,
  codec: ComparedCodec,
  folder: OutputFolder,
): Promise<DumpTimes> {
  const output = folder.file('ours');
  const options = ['--json', '--message-level', '0', '-d', String(level), '--compression', codec];
  let text = '';
  const whole = await secondsOf(async () => {
    text = await run(process.execPath, [COMMAND, 'dump', ...options, core, output]);
  });
  rmSync(output);
  const report = JSON.parse(text) as Pick<DumpReport, 'phases'>;
  const classify = report.phases.find(({ phase }) => phase === 'classify')!.duration / 1e9;
  return { whole, classify };
}

async function theirDump(
  core: string,
  level: number,
  codec: ComparedCodec,
  folder: OutputFolder,
): Promise<DumpTimes> {
  const output = folder.file('theirs');
  let messages = '';
  const whole = await secondsOf(async () => {
    messages = await runMakedumpfile([...CODEC_OPTIONS[codec], '-d', String(level)], core, output);
  });
  const written = codecOf(output);
  rmSync(output);
  if (written !== codec) throw new Error(`makedumpfile wrote ${written} instead of ${codec}`);
  const [classify] = stepSeconds(messages, 'Excluding unnecessary pages');
  return { whole, classify: classify ?? Number.NaN };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e9;
}
