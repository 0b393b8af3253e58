import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OutputFolder } from '../support/files.ts';
import { run } from '../support/makedumpfile.ts';
import { parsePerfReport, type SymbolSamples, summarise } from './symbols.ts';

/** Something that says which functions a program spends its time in. */
export interface Profiler {
  readonly name: string;
  /** Samples a second of CPU time. */
  readonly frequency: number;
  profile(program: readonly string[], folder: OutputFolder): Promise<SymbolSamples[]>;
}

/** Not a multiple of the kernel's tick, or both would go in step. */
const FREQUENCY = 1999;

/** perf with the processor's cycle counter, else with the kernel's timer, else V8's own sampler, which sees no kernel. */
export function findProfiler(): Profiler {
  if (perfCounts('cycles')) return perf('cycles');
  if (perfCounts('cpu-clock')) return perf('cpu-clock');
  return cpuProf;
}

/** perf exits with 0 too when a counter is not supported. */
function perfCounts(event: string): boolean {
  const { status, stderr } = spawnSync('perf', ['stat', '-x', ',', '-e', event, 'true'], {
    encoding: 'utf8',
  });
  return status === 0 && Number.parseFloat(stderr) > 0;
}

function perf(event: string): Profiler {
  return {
    name: `perf, event ${event}`,
    frequency: FREQUENCY,
    async profile(program, folder) {
      const data = folder.file('perf.data');
      const record = ['record', '-q', '-e', event, '-F', String(FREQUENCY), '-o', data, '--'];
      const printed = await run('perf', [...record, process.execPath, '--perf-basic-prof', ...program]);
      const report = await run('perf', ['report', '-i', data, '--stdio', '-F', 'sample,dso,sym', '-t', '|']);
      // V8 writes the names of compiled functions there, where perf looks for them.
      rmSync(join('/tmp', `perf-${/^\d+$/m.exec(printed)?.[0]}.map`), { force: true });
      return parsePerfReport(report);
    },
  };
}

const cpuProf: Profiler = {
  name: 'node --cpu-prof, which does not see the kernel and counts waiting as running',
  frequency: FREQUENCY,
  async profile(program, folder) {
    const interval = String(Math.round(1e6 / FREQUENCY));
    const options = ['--cpu-prof', '--cpu-prof-dir', folder.path, '--cpu-prof-interval', interval];
    await run(process.execPath, [...options, ...program]);
    const name = readdirSync(folder.path).find((file) => file.endsWith('.cpuprofile'))!;
    const profile = JSON.parse(readFileSync(folder.file(name), 'utf8'));
    rmSync(folder.file(name));
    return summarise(profile);
  },
};

/** The compiled program that is profiled. */
export const DUMP_PROGRAM = fileURLToPath(new URL('dump.js', import.meta.url));
