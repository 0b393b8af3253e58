// makedumpfile, and what it wrote.
import { type Codec, type KdumpFile, readKdump } from './kdump-file.ts';
import { programs, run } from './oracles.ts';

const options: Partial<Record<Codec, string[]>> = { none: [], zlib: ['-c'], lzo: ['-l'] };

/** The lines of its report, by the name before the colon, such as 'Free pages'. */
export type Counts = Record<string, number>;

function counts(report: string): Counts {
  const lines = report.matchAll(/^\s*([A-Z][A-Za-z ]+?)\s*: 0x([0-9a-f]+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name!, Number.parseInt(value!, 16)]));
}

/** Runs makedumpfile; a codec it was built without is an error here, where it would silently write raw pages. */
export async function makedumpfile(
  core: string,
  out: string,
  level: number,
  codec: Codec = 'none',
  program: readonly [string, ...string[]] = [programs.makedumpfile],
): Promise<{ dump: KdumpFile; counts: Counts }> {
  const option = options[codec];
  if (!option) throw new Error(`not every makedumpfile has ${codec}`);
  const args = [...option, '-d', String(level), '--message-level', '31', '-f', core, out];
  const [command, ...before] = program;
  const { stdout, stderr } = await run(command, [...before, ...args]);
  const dump = readKdump(out);
  if (dump.codec !== codec) throw new Error(`makedumpfile wrote ${dump.codec} instead of ${codec}`);
  return { dump, counts: counts(`${stdout}\n${stderr}`) };
}

export async function makedumpfileVersion(): Promise<string> {
  const { stdout, stderr } = await run(programs.makedumpfile, ['-v']);
  return `${stdout}${stderr}`;
}
