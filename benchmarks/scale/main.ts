// Cores of 1 GiB to 2 TiB: time for each TiB of mem_map, memory, counts.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describeMachine } from '../../lib/bench/index.ts';
import { commandLine, leave, numbers, wholeNumber } from '../support/command-line.ts';
import { OutputFolder } from '../support/files.ts';
import { MAKEDUMPFILE, makedumpfileVersion } from '../support/makedumpfile.ts';
import { describe, writeJson } from '../support/report.ts';
import { formatTable } from '../support/table.ts';
import { scaleFigure } from './figure.ts';
import { measureSize, type ScaleRun } from './measure.ts';

const usage =
  'npm run bench:scale -- [--sizes 1G,8G,64G,512G,2048G] [--workers 2] [--budget 120M] [--ours-only] [--output FOLDER] [--svg scale.svg] [--json FILE]';
const options = commandLine(usage, {
  sizes: { type: 'string' },
  workers: { type: 'string' },
  budget: { type: 'string' },
  'ours-only': { type: 'boolean' },
  output: { type: 'string' },
  svg: { type: 'string' },
  json: { type: 'string' },
});
const { value } = options;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const compare = !options.has('ours-only');
const makedumpfile = compare ? makedumpfileVersion() : 'not run';
if (makedumpfile === undefined) leave(`${MAKEDUMPFILE} does not run; MAKEDUMPFILE names a build`, 1);
const machine = describeMachine();
// The core is a sparse file of 1 GiB: its struct pages are read from the page cache, as those of /proc/vmcore from memory.
using folder = new OutputFolder(value('output') ?? tmpdir());
const workers = wholeNumber(value('workers') ?? '2');
const budget = wholeNumber(value('budget') ?? '120M');
const runs: ScaleRun[] = [];
for (const memory of numbers(value('sizes') ?? '1G,8G,64G,512G,2048G')) {
  console.error(`${memory / GIB} GiB ...`);
  const run = await measureSize(memory, { workers, budget, compare }, folder);
  for (const difference of run.differences) console.error(`  ${difference}`);
  runs.push(run);
}
const perTib = (run: ScaleRun, seconds: number) => (seconds * 1024 * GIB) / run.memory;
console.log(
  formatTable(
    [
      'memory GiB',
      'ours s/TiB',
      'theirs s/TiB',
      'floor s/TiB',
      'ours / theirs',
      'copy s',
      'own MiB',
      'mapped MiB',
      'counts',
    ],
    runs.map((run) => [
      run.memory / GIB,
      perTib(run, run.ours),
      perTib(run, run.theirs),
      perTib(run, run.floor),
      run.ours / run.theirs,
      run.copy,
      run.own / MIB,
      run.mapped / MIB,
      run.differences.length === 0 ? 'right' : 'WRONG',
    ]),
  ),
);
console.log(`\nmakedumpfile: ${makedumpfile}\n${describe(machine)}`);
writeFileSync(value('svg') ?? 'scale.svg', scaleFigure(runs));
writeJson(value('json'), { machine, makedumpfile, workers, budget, runs });
if (runs.some(({ differences }) => differences.length > 0)) process.exitCode = 1;
