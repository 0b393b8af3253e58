// Dumps side by side with makedumpfile's, in alternating pairs: ratios of ours to theirs, below 1 where ours are faster.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describeMachine, median } from '../../lib/bench/index.ts';
import { commandLine, leave, nameOf, numbers, wholeNumber } from '../support/command-line.ts';
import { makedumpfileVersion } from '../support/makedumpfile.ts';
import { describe, writeJson } from '../support/report.ts';
import { formatTable } from '../support/table.ts';
import { CODEC_OPTIONS, type Pair, runPair, startOfNode } from './pairs.ts';

const usage =
  'npm run bench:compare -- CORE [--levels 0,1,31] [--codecs none,zlib] [--pairs 5] [--json FILE]';
const { positionals, value } = commandLine(usage, {
  levels: { type: 'string' },
  codecs: { type: 'string' },
  pairs: { type: 'string' },
  folder: { type: 'string' },
  json: { type: 'string' },
});
const core = positionals[0] ?? leave(`usage: ${usage}`);
const levels = numbers(value('levels') ?? '0,1,31');
const codecs = (value('codecs') ?? 'none,zlib').split(',');
for (const codec of codecs) if (!(codec in CODEC_OPTIONS)) leave(`no codec is called ${codec}`);
const pairs = wholeNumber(value('pairs') ?? '5');
const folder = value('folder') ?? (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
const makedumpfile =
  makedumpfileVersion() ?? leave('makedumpfile is not installed; MAKEDUMPFILE names one', 1);
const machine = describeMachine();

const ratio = (of: readonly Pair[], what: (times: Pair['ours']) => number | undefined): number =>
  median(of.map(({ ours, theirs }) => (what(ours) ?? Number.NaN) / (what(theirs) ?? Number.NaN)));
const seconds = (of: readonly Pair[], who: 'ours' | 'theirs', what: 'whole' | 'classify'): number =>
  median(of.map((pair) => pair[who][what] ?? Number.NaN));

const rows = [];
for (const codec of codecs) {
  for (const level of levels) {
    const measured: Pair[] = [];
    for (let i = 0; i < pairs; i++) measured.push(await runPair(core, level, codec, folder));
    rows.push({
      codec,
      level,
      whole: ratio(measured, (times) => times.whole),
      classify: ratio(measured, (times) => times.classify),
      bytes: ratio(measured, (times) => times.bytes),
      oursSeconds: seconds(measured, 'ours', 'whole'),
      theirsSeconds: seconds(measured, 'theirs', 'whole'),
      oursClassify: seconds(measured, 'ours', 'classify'),
      theirsClassify: seconds(measured, 'theirs', 'classify'),
    });
  }
}
const start = median(await Promise.all(Array.from({ length: pairs }, startOfNode)));

console.log(
  `Dumps of ${nameOf(core)}, medians of ${pairs} alternating pairs; ratios are ours / makedumpfile's.\n`,
);
console.log(
  formatTable(
    ['', 'whole dump', 's ours', 's theirs', 'classify', 'ms ours', 'ms theirs', 'size'],
    rows.map((row) => [
      `${row.codec}, -d ${row.level}`,
      row.whole,
      row.oursSeconds,
      row.theirsSeconds,
      row.classify,
      row.oursClassify * 1000,
      row.theirsClassify * 1000,
      row.bytes,
    ]),
  ),
);
console.log(`\nOurs include the start of Node.js, ${(start * 1000).toFixed(0)} ms. ${makedumpfile}.`);
console.log(describe(machine));
writeJson(value('json'), { machine, core: nameOf(core), makedumpfile, pairs, startOfNode: start, rows });
