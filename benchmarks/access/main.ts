// The calls that a dump makes on the core: maps, unmaps and reads, by this library and by makedumpfile.
import { type AccessPolicy, describeMachine } from '../../lib/bench/index.ts';
import { commandLine, leave, nameOf, numbers } from '../support/command-line.ts';
import { describe, writeJson } from '../support/report.ts';
import { formatTable } from '../support/table.ts';
import { type AccessRow, compareAccess } from './rows.ts';

const usage = 'npm run bench:access -- CORE [--levels 0,31] [--access mmap,read,auto] [--json FILE]';
const { positionals, value } = commandLine(usage, {
  levels: { type: 'string' },
  access: { type: 'string' },
  json: { type: 'string' },
});
const core = positionals[0] ?? leave(`usage: ${usage}`);

const machine = describeMachine();
const ways = (value('access') ?? 'mmap,read,auto').split(',').map(wayOf);
const comparison = await compareAccess(core, numbers(value('levels') ?? '0,31'), ways);
const { rows, runs, makedumpfile, missing } = comparison;

function wayOf(name: string): AccessPolicy {
  if (name === 'mmap' || name === 'read' || name === 'auto') return name;
  return leave(`there is no way '${name}'\nusage: ${usage}`);
}

const label = ({ program, access, level }: AccessRow) => `${program}, ${access}, -d ${level}`;
console.log(`Calls on ${nameOf(core)} for one dump to /dev/null, classification included.\n`);
console.log(
  formatTable(
    ['', 'mmap', 'munmap', 'read', 'sum'],
    rows.map((row) => [label(row), row.maps, row.unmaps, row.reads, row.sum]),
  ),
);
console.log(
  missing
    ? `\n${missing}: its calls were not counted.`
    : `\nmakedumpfile: ${makedumpfile}, counted by strace.`,
);
console.log("auto: planned from the bitmap by measured cost; 'read' rows of vmcore are preads.\n");
console.log(
  formatTable(
    ['vmcore', 'mapped MiB', 'read MiB', 'page tables KiB', 'pages copied'],
    runs.map(({ access, level, calls, pageTableBytes, pages }) => [
      `${access}, -d ${level}`,
      Math.round(calls.mapBytes / 2 ** 20),
      Math.round(calls.preadBytes / 2 ** 20),
      Math.round(pageTableBytes / 1024),
      pages,
    ]),
  ),
);
console.log(`\n${describe(machine)}`);
writeJson(value('json'), { machine, core: nameOf(core), ...comparison });
