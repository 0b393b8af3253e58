// Whole dumps and the classification pass, side by side with makedumpfile in one run.
import { describeMachine, median } from '../../lib/bench/index.ts';
import { commandLine, leave, nameOf, numbers, wholeNumber } from '../support/command-line.ts';
import { OutputFolder } from '../support/files.ts';
import { MAKEDUMPFILE, makedumpfileVersion } from '../support/makedumpfile.ts';
import { describe, writeJson } from '../support/report.ts';
import { formatTable } from '../support/table.ts';
import {
  CODEC_OPTIONS,
  type ComparedCodec,
  type DumpTimes,
  nodeStart,
  type PairedRuns,
  runPairs,
} from './pairs.ts';

const usage =
  'npm run bench:compare -- CORE [-d 0,1,31] [--codecs none,zlib] [--pairs 5] [--output FOLDER] [--json FILE]';
const { positionals, value } = commandLine(usage, {
  levels: { type: 'string', short: 'd' },
  codecs: { type: 'string' },
  pairs: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'string' },
});
const core = positionals[0] ?? leave(`usage: ${usage}`);
const levels = numbers(value('levels') ?? '0,1,31');
const pairs = wholeNumber(value('pairs') ?? '5');
const codecs = (value('codecs') ?? 'none,zlib').split(',').map(codecNamed);

function codecNamed(name: string): ComparedCodec {
  return name in CODEC_OPTIONS
    ? (name as ComparedCodec)
    : leave(`codecs to compare are none and zlib, not ${name}`);
}

const makedumpfile =
  makedumpfileVersion() ?? leave(`${MAKEDUMPFILE} does not run; MAKEDUMPFILE names a build`, 1);
const machine = describeMachine();
using folder = new OutputFolder(value('output'));
const results: PairedRuns[] = [];
for (const level of levels) {
  for (const codec of codecs) {
    console.error(`-d ${level}, ${codec}: ${pairs} pairs ...`);
    results.push(await runPairs(core, level, codec, pairs, folder));
  }
}
const start = await nodeStart(pairs);

const middle = (runs: readonly DumpTimes[], name: keyof DumpTimes) => median(runs.map((run) => run[name]));
const row = ({ level, codec, ours, theirs, ratio }: PairedRuns, name: keyof DumpTimes) => [
  `-d ${level}, ${codec}`,
  ratio[name],
  middle(ours, name) * 1000,
  middle(theirs, name) * 1000,
];
const head = ['', 'ours / theirs', 'ours ms', 'theirs ms'];
console.log(`Medians of ${pairs} pairs on ${nameOf(core)}; one thread each.\n\nWhole dumps\n`);
console.log(
  formatTable(
    head,
    results.map((result) => row(result, 'whole')),
  ),
);
console.log("\nDeciding which pages are kept (makedumpfile: its first step 'Excluding unnecessary pages')\n");
console.log(
  formatTable(
    head,
    // At levels that filter nothing makedumpfile has no such step.
    results.filter(({ ratio }) => !Number.isNaN(ratio.classify)).map((result) => row(result, 'classify')),
  ),
);
console.log(`\nNode.js starts in ${start.toFixed(3)} s, which is part of our whole dumps.`);
console.log(`makedumpfile: ${makedumpfile}\n${describe(machine)}`);
writeJson(value('json'), { machine, makedumpfile, core: nameOf(core), pairs, nodeStart: start, results });
