// Whole dumps and the classification pass, side by side with makedumpfile in one run; with --check against what is recorded.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine, median } from '../../lib/bench/index.ts';
import { codecs } from '../../lib/index.ts';
import { commandLine, leave, numbers, wholeNumber } from '../support/command-line.ts';
import { OutputFolder } from '../support/files.ts';
import { MAKEDUMPFILE, makedumpfileVersion } from '../support/makedumpfile.ts';
import { describe, writeJson } from '../support/report.ts';
import type { Resident } from '../support/resident.ts';
import { formatTable } from '../support/table.ts';
import { codecMicroseconds } from './codec-cost.ts';
import { peakMemory } from './memory.ts';
import {
  CODEC_OPTIONS,
  type ComparedCodec,
  type DumpTimes,
  nodeStart,
  type PairedRuns,
  runPairs,
  theyHave,
} from './pairs.ts';
import { coreName, FEWEST_PAIRS, MARGIN, ratiosOf, readRatios, record, slowerThan } from './recorded.ts';
import { sideBySide } from './side-by-side.ts';

const usage = `npm run bench -- [CORE...] [-d 0,1,31] [--codecs none,zlib,zstd,lzo,snappy] [--threads 0]
  [--pairs 5] [--check | --record] [--recorded FILE] [--command FILE] [--output FOLDER] [--json FILE]`;
const { positionals, value, has } = commandLine(usage, {
  levels: { type: 'string', short: 'd' },
  codecs: { type: 'string' },
  threads: { type: 'string' },
  pairs: { type: 'string' },
  check: { type: 'boolean' },
  record: { type: 'boolean' },
  recorded: { type: 'string' },
  command: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'string' },
});

const MIB = 2 ** 20;
const lab = process.env.VMCORE_LAB ?? join(homedir(), '.cache/vmcore-lab');
const labCores = ['medium', 'large'].map((name) => join(lab, name, 'core.elf'));
const cores = positionals.length > 0 ? positionals : labCores;
const levels = numbers(value('levels') ?? '0,1,31');
const threads = numbers(value('threads') ?? '0');
const pairs = wholeNumber(value('pairs') ?? String(FEWEST_PAIRS));
const recorded =
  value('recorded') ??
  fileURLToPath(new URL('../../../benchmarks/makedumpfile/recorded.json', import.meta.url));
if ((has('check') || has('record')) && pairs < FEWEST_PAIRS)
  leave(`ratios of less than ${FEWEST_PAIRS} pairs are noise`);

function codecNamed(name: string): ComparedCodec {
  return name in CODEC_OPTIONS
    ? (name as ComparedCodec)
    : leave(`codecs to compare are ${Object.keys(CODEC_OPTIONS).join(', ')}, not ${name}`);
}

const makedumpfile =
  makedumpfileVersion() ?? leave(`${MAKEDUMPFILE} does not run; MAKEDUMPFILE names a build`, 1);
const machine = describeMachine();
using folder = new OutputFolder(value('output'));

const compared: ComparedCodec[] = [];
for (const codec of (value('codecs') ?? 'none,zlib,zstd,lzo,snappy').split(',').map(codecNamed)) {
  if (await theyHave(codec, cores[0]!, folder)) compared.push(codec);
  else
    console.error(
      `${MAKEDUMPFILE} writes no ${codec}: it is left out. MAKEDUMPFILE names a build that does.`,
    );
}

const results: PairedRuns[] = [];
const costs = new Map<string, number>();
const memory = new Map<PairedRuns, Resident>();
const bench = { pairs, folder, command: value('command') };
for (const core of cores) {
  for (const codec of compared) {
    if (codec !== 'none') costs.set(`${core} ${codec}`, await codecMicroseconds(core, codec));
    for (const level of levels) {
      for (const count of threads) {
        console.error(`${coreName(core)} -d ${level}, ${codec}, ${count} threads: ${pairs} pairs ...`);
        const setting = { core, level, codec, threads: count };
        const paired = await runPairs(setting, bench);
        results.push(paired);
        memory.set(paired, await peakMemory(setting, bench));
      }
    }
  }
}
const start = await nodeStart(pairs);
const parallel = await sideBySide(pairs);

const middle = (runs: readonly DumpTimes[], name: keyof DumpTimes) => median(runs.map((run) => run[name]));
const titleOf = ({ core, level, codec, threads: count }: PairedRuns) =>
  `${coreName(core)} -d ${level}, ${codec}, ${count} threads`;
console.log(`Medians of ${pairs} pairs; as many threads for both.\n\nWhole dumps\n`);
console.log(
  formatTable(
    [
      '',
      'ours / theirs',
      'without the start of Node.js',
      'ours ms',
      'theirs ms',
      'only copying ms',
      'codec us/page',
    ],
    results.map((result) => [
      titleOf(result),
      result.ratio.whole,
      median(result.ours.map(({ whole }, i) => (whole - start) / result.theirs[i]!.whole)),
      middle(result.ours, 'whole') * 1000,
      middle(result.theirs, 'whole') * 1000,
      middle(result.limits, 'whole') * 1000,
      costs.get(`${result.core} ${result.codec}`) ?? Number.NaN,
    ]),
  ),
);
console.log("\nDeciding which pages are kept (makedumpfile: its first step 'Excluding unnecessary pages')\n");
console.log(
  formatTable(
    ['', 'ours / theirs', 'ours ms', 'theirs ms', 'only reading ms'],
    // At levels that filter nothing makedumpfile has no such step.
    results
      .filter(({ ratio }) => !Number.isNaN(ratio.classify))
      .map((result) => [
        titleOf(result),
        result.ratio.classify,
        middle(result.ours, 'classify') * 1000,
        middle(result.theirs, 'classify') * 1000,
        middle(result.limits, 'classify') * 1000,
      ]),
  ),
);
console.log('\nThe most memory that ours had\n');
console.log(
  formatTable(
    ['', 'RssAnon + RssShmem, MiB', 'RssFile, MiB: Node.js and what is mapped'],
    Array.from(memory, ([result, { own, mapped }]) => [titleOf(result), own / MIB, mapped / MIB]),
  ),
);
console.log(
  `\nTwo loops that only compute take ${parallel.toFixed(2)} of their time when they run side by side.`,
);
const { implementation } = codecs().zlib;
const isShared = process.config.variables.node_shared_zlib === true;
console.log(`\nNode.js starts in ${start.toFixed(3)} s, which is part of our whole dumps.`);
console.log(`zlib: ${implementation}, ${isShared ? "the system's" : "Node.js's own"}.`);
console.log(`makedumpfile: ${makedumpfile}\n${describe(machine)}`);
const withMemory = results.map((result) => ({ ...result, memory: memory.get(result) }));
writeJson(value('json'), {
  machine,
  makedumpfile,
  pairs,
  nodeStart: start,
  sideBySide: parallel,
  zlib: implementation,
  results: withMemory,
});

const ratios = ratiosOf(results);
if (has('record')) record(recorded, ratios);
if (has('check')) {
  const slower = slowerThan(readRatios(recorded), ratios);
  if (slower.length > 0) {
    console.error(`\nMore than ${MARGIN * 100} % slower than recorded:\n${slower.join('\n')}`);
    process.exitCode = 1;
  } else console.log(`\nNothing is more than ${MARGIN * 100} % slower than recorded.`);
}
