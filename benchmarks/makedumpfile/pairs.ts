import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from '../../lib/bench/index.ts';
import type { CodecName, DumpReport } from '../../lib/index.ts';
import { type OutputFolder, warmFile } from '../support/files.ts';
import { codecOf, judgingSeconds, run, runMakedumpfile } from '../support/makedumpfile.ts';
import { copyingLimit, type DumpSize, judgingLimit } from './limits.ts';

/** Codecs that both programs have, by makedumpfile's option. */
export const CODEC_OPTIONS = { none: [], zlib: ['-c'], lzo: ['-l'], snappy: ['-p'], zstd: ['-z'] } as const;
export type ComparedCodec = keyof typeof CODEC_OPTIONS & (CodecName | 'none');

/** What is dumped, and how. */
export interface Setting {
  readonly core: string;
  readonly level: number;
  readonly codec: ComparedCodec;
  /** Threads beside the main one, of both programs. */
  readonly threads: number;
}

/** Seconds of one dump. */
export interface DumpTimes {
  /** From starting the program to its end. */
  readonly whole: number;
  /** Of it, for deciding which pages are kept; NaN where a level filters nothing, so that makedumpfile has no such step. */
  readonly classify: number;
}

/** Dumps of both programs, one right after the other, several times. */
export interface PairedRuns extends Setting {
  readonly ours: readonly DumpTimes[];
  readonly theirs: readonly DumpTimes[];
  /** What one thread needs that only reads and writes as many bytes: measured in each pair, too. */
  readonly limits: readonly DumpTimes[];
  /** Medians of the ratios ours/theirs of the pairs. */
  readonly ratio: DumpTimes;
}

const COMMAND = fileURLToPath(new URL('../../bin/vmcore.js', import.meta.url));

/** What runs the dumps. */
export interface Bench {
  readonly pairs: number;
  readonly folder: OutputFolder;
  /** Our program, another build of it for example; default this one. */
  readonly command?: string | undefined;
}

/** Alternates between the programs, and who is first, so that what disturbs the machine disturbs both. */
export async function runPairs(setting: Setting, bench: Bench): Promise<PairedRuns> {
  const ours: OurDump[] = [];
  const theirs: DumpTimes[] = [];
  const limits: DumpTimes[] = [];
  for (let pair = 0; pair < bench.pairs; pair++) {
    warmFile(setting.core);
    if (pair % 2 === 1) ours.push(await ourDump(setting, bench));
    theirs.push(await theirDump(setting, bench));
    if (pair % 2 === 0) ours.push(await ourDump(setting, bench));
    limits.push(limitsOf(setting, ours.at(-1)!, bench));
  }
  const ratio = (name: keyof DumpTimes) => median(ours.map((times, i) => times[name] / theirs[i]![name]));
  return { ...setting, ours, theirs, limits, ratio: { whole: ratio('whole'), classify: ratio('classify') } };
}

/** Whether the makedumpfile at hand writes a codec: one that was built without it writes raw pages and says so only there. */
export async function theyHave(codec: ComparedCodec, core: string, folder: OutputFolder): Promise<boolean> {
  const output = folder.file('probe');
  await runMakedumpfile([...CODEC_OPTIONS[codec], '-d', '31'], core, output);
  const written = codecOf(output);
  rmSync(output);
  return written === codec;
}

/** Seconds that Node.js takes to start and end: part of every dump of ours. */
export async function nodeStart(times: number): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < times; i++) seconds.push(await secondsOf(() => run(process.execPath, ['-e', '0'])));
  return median(seconds);
}

/** What Node.js is given to dump with our program. */
export function ourArguments(
  { core, level, codec, threads }: Setting,
  output: string,
  command = COMMAND,
): string[] {
  const options = ['-d', String(level), '--compression', codec, '--num-threads', String(threads)];
  return [command, 'dump', '--json', '--message-level', '0', ...options, core, output];
}

interface OurDump extends DumpTimes {
  readonly size: DumpSize;
}

async function ourDump(setting: Setting, { folder, command }: Bench): Promise<OurDump> {
  const output = folder.file('ours');
  let text = '';
  const whole = await secondsOf(async () => {
    text = await run(process.execPath, ourArguments(setting, output, command));
  });
  rmSync(output);
  const { original, written, bytes, phases } = JSON.parse(text) as DumpSize & Pick<DumpReport, 'phases'>;
  const classify = phases.find(({ phase }) => phase === 'classify')!.judging! / 1e9;
  return { whole, classify, size: { original, written, bytes } };
}

function limitsOf({ core }: Setting, { size }: OurDump, { folder }: Bench): DumpTimes {
  return { whole: copyingLimit(core, size, folder), classify: judgingLimit(core, size) };
}

async function theirDump({ core, level, codec, threads }: Setting, { folder }: Bench): Promise<DumpTimes> {
  const output = folder.file('theirs');
  const parallel = threads > 0 ? ['--num-threads', String(threads)] : [];
  let messages = '';
  const whole = await secondsOf(async () => {
    const options = [...CODEC_OPTIONS[codec], '-d', String(level), ...parallel];
    messages = await runMakedumpfile(options, core, output);
  });
  const written = codecOf(output);
  rmSync(output);
  if (written !== codec) throw new Error(`makedumpfile wrote ${written} instead of ${codec}`);
  return { whole, classify: judgingSeconds(messages) };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e9;
}
