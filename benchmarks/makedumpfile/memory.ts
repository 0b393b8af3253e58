import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mostOf, type Resident, residentOf } from '../support/resident.ts';
import { type Bench, ourArguments, type Setting } from './pairs.ts';

const SAMPLE_MS = 2;

/** The most memory that a dump of ours has, looked at from outside: what is looked at more often takes longer. */
export async function peakMemory(setting: Setting, { folder, command }: Bench): Promise<Resident> {
  const output = folder.file('ours');
  const child = spawn(process.execPath, ourArguments(setting, output, command), { stdio: 'ignore' });
  const ended = once(child, 'close');
  let peak = residentOf(child.pid!);
  const sampling = setInterval(() => {
    peak = mostOf(peak, residentOf(child.pid!));
  }, SAMPLE_MS);
  const [status] = await ended;
  clearInterval(sampling);
  rmSync(output, { force: true });
  if (status !== 0) throw new Error(`vmcore dump ended with ${status}`);
  return peak;
}
