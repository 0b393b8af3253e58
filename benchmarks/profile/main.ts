// Where the time of a dump goes, by function, in the program and in the kernel: mapped and read.
import { rmSync } from 'node:fs';
import { describeMachine } from '../../lib/bench/index.ts';
import { commandLine, leave, nameOf, wholeNumber } from '../support/command-line.ts';
import { OutputFolder, warmFile } from '../support/files.ts';
import { describe, writeJson } from '../support/report.ts';
import { formatTable } from '../support/table.ts';
import { DUMP_PROGRAM, findProfiler } from './profilers.ts';
import type { SymbolSamples } from './symbols.ts';

const usage = 'npm run bench:profile -- CORE [-d 31] [--top 25] [--output FOLDER] [--json FILE]';
const { positionals, value } = commandLine(usage, {
  level: { type: 'string', short: 'd' },
  top: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'string' },
});
const core = positionals[0] ?? leave(`usage: ${usage}`);
const level = value('level') ?? '31';
const top = wholeNumber(value('top') ?? '25');

const ACCESS = ['mmap', 'read'] as const;
const OBJECTS = 8;
const machine = describeMachine();
const profiler = findProfiler();
using folder = new OutputFolder(value('output'));
const profiles: SymbolSamples[][] = [];
for (const access of ACCESS) {
  const output = folder.file('dump');
  if (!core.startsWith('/proc/')) warmFile(core);
  profiles.push(await profiler.profile([DUMP_PROGRAM, core, access, level, output], folder));
  rmSync(output);
}

const seconds = (samples: number) => samples / profiler.frequency;
const total = (profile: readonly SymbolSamples[], where?: SymbolSamples['where']) =>
  profile.reduce((sum, entry) => sum + (where === undefined || entry.where === where ? entry.samples : 0), 0);
const keyOf = ({ where, object, symbol }: SymbolSamples) => `${where}|${object}|${symbol}`;
const bySymbol = profiles.map((profile) => new Map(profile.map((entry) => [keyOf(entry), entry.samples])));
const milliseconds = (samples: number) => Math.round(seconds(samples) * 1000);

function byObject(profile: readonly SymbolSamples[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { object, samples } of profile) counts.set(object, (counts.get(object) ?? 0) + samples);
  return counts;
}

const keys = [...new Set(profiles.flatMap((profile) => profile.map(keyOf)))]
  .map((key) => ({ key, samples: bySymbol.map((samples) => samples.get(key) ?? 0) }))
  .sort((a, b) => Math.max(...b.samples) - Math.max(...a.samples))
  .slice(0, top);

console.log(`CPU time of a dump of ${nameOf(core)}, -d ${level}, not compressed, in ms (${profiler.name})\n`);
console.log(
  formatTable(
    ['', ...ACCESS],
    [
      ...(['user', 'kernel', 'unknown'] as const)
        .filter((where) => profiles.some((profile) => total(profile, where) > 0))
        .map((where) => [where, ...profiles.map((profile) => milliseconds(total(profile, where)))]),
      ['all', ...profiles.map((profile) => milliseconds(total(profile)))],
    ],
  ),
);
const objects = profiles.map((profile) => byObject(profile));
const busiest = [...new Set(objects.flatMap((counts) => [...counts.keys()]))]
  .map((object) => ({ object, samples: objects.map((counts) => counts.get(object) ?? 0) }))
  .sort((a, b) => Math.max(...b.samples) - Math.max(...a.samples))
  .slice(0, OBJECTS);
console.log('\nBy what it belongs to (node: V8, its compiler and garbage collector included)\n');
console.log(
  formatTable(
    ['', ...ACCESS],
    busiest.map(({ object, samples }) => [object, ...samples.map(milliseconds)]),
  ),
);
console.log(`\nThe ${keys.length} functions with the most of it\n`);
console.log(
  formatTable(
    ['where', 'object', 'function', ...ACCESS],
    keys.map(({ key, samples }) => [...key.split('|'), ...samples.map(milliseconds)]),
  ),
);
console.log(`\n${describe(machine)}`);
const named = ACCESS.map((access, i) => ({ access, symbols: profiles[i] }));
writeJson(value('json'), { machine, core: nameOf(core), level, profiler: profiler.name, profiles: named });
