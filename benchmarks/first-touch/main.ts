// What the first touch of a page costs when it was mapped and when it was read, and what a copy out of a slot does.
import {
  describeMachine,
  measureCopies,
  measureFirstTouch,
  measureSlotHits,
  type TouchedPages,
} from '../../lib/bench/index.ts';
import { commandLine, leave, nameOf, wholeNumber } from '../support/command-line.ts';
import { describe, writeJson } from '../support/report.ts';
import { formatTable } from '../support/table.ts';
import { formatHistogram } from './histogram.ts';

const usage = 'npm run bench:first-touch -- CORE [--bytes 256M] [--region 4M] [--pread 64K] [--json FILE]';
const { positionals, value } = commandLine(usage, {
  bytes: { type: 'string' },
  region: { type: 'string' },
  pread: { type: 'string' },
  json: { type: 'string' },
});
const core = positionals[0] ?? leave(`usage: ${usage}`);
const size = (name: 'bytes' | 'region' | 'pread') => {
  const text = value(name);
  return text === undefined ? undefined : wholeNumber(text);
};
const options = { bytes: size('bytes'), regionBytes: size('region') };

const machine = describeMachine();
const touches = await measureFirstTouch(core, { ...options, preadBytes: size('pread') });
const copies = await measureCopies(core, options);
const hits = measureSlotHits(core);

const KINDS = [
  ['call', 'map + unmap, or pread'],
  ['firstLine', 'first line'],
  ['otherLines', `other ${touches.linesPerPage - 1} lines`],
  ['firstLineAgain', 'first line again'],
  ['otherLinesAgain', 'other lines again'],
] as const;

const nameOfWay = ({ way, order }: TouchedPages) => `${way}, ${order}`;
console.log(`Cycles for each of ${touches.pages} pages of ${nameOf(core)}, p50 / p99\n`);
console.log(
  formatTable(
    ['', ...KINDS.map(([, title]) => title)],
    touches.ways.map((way) => [
      nameOfWay(way),
      ...KINDS.map(([kind]) => `${Math.round(way[kind].p50)} / ${Math.round(way[kind].p99)}`),
    ]),
  ),
);
console.log(
  `\nClock: ${touches.clock}, ${touches.nanosecondsPerCycle.toFixed(3)} ns a cycle; reading it costs ${touches.clockCycles}, which is subtracted.`,
);
if (touches.cacheShare !== undefined && touches.cacheShare > 0.25)
  console.log('The pages nearly fit into the cache of the CPU: touch more of them (--bytes).');
for (const way of touches.ways) {
  console.log(
    `\nFirst line, ${nameOfWay(way)}: cycles and pages\n${formatHistogram(way.firstLine.histogram)}`,
  );
}

console.log('\nBringing pages into reach and copying each once: CPU time, ns a page\n');
console.log(
  formatTable(
    ['', 'user', 'system', 'user + system', 'wall'],
    copies.ways.map(({ way, callBytes, perPage: { user, system, wall } }) => [
      `${way}, ${callBytes >> 10} KiB a call`,
      ...[user, system, user + system, wall].map(Math.round),
    ]),
  ),
);

console.log('\nA hit in the slots, all in cache: ns\n');
console.log(
  formatTable(
    ['', 'borrowed', 'copied'],
    hits.costs.map(({ access, where, bytes, borrowed, copied }) => [
      `${access}, ${where}, ${bytes} bytes`,
      Math.round(borrowed),
      Math.round(copied),
    ]),
  ),
);
console.log(`\n${describe(machine)}`);
writeJson(value('json'), { machine, core: nameOf(core), touches, copies, hits });
