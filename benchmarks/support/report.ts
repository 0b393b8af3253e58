import { writeFileSync } from 'node:fs';
import type { Machine } from '../../lib/bench/machine.ts';

/** Writes a report as JSON, when a file was named. */
export function writeJson(path: string | undefined, report: object): void {
  if (path === undefined) return;
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nAs JSON: ${path}`);
}

/** One line about where the figures come from, and a warning where times say little. */
export function describe(machine: Machine): string {
  const { accel, processor, cpus, kernel, node, load } = machine;
  const lines = [`${processor}, ${cpus} CPUs, ${accel}, Linux ${kernel}, Node.js ${node}, load ${load}`];
  if (accel === 'tcg')
    lines.push('Emulated: counts are exact; times mean nothing, because an emulator has no caches.');
  else if (load > 0.5) lines.push('The machine was busy when this began: compare within this run only.');
  return lines.join('\n');
}
