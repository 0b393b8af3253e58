// The crash utility.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programs, run } from './oracles.ts';

/** What each command printed, in one session on a dump, or on all files of a split set. A session that hangs is killed after five minutes. */
export async function crashSession(
  vmlinux: string,
  dump: string | readonly string[],
  commands: readonly string[],
  options: readonly string[] = [],
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vmcore-crash-'));
  const files = commands.map((_, i) => join(folder, String(i)));
  const script = commands.map((command, i) => `${command} > ${files[i]}\n`).join('');
  try {
    await run(programs.crash, ['-s', '--no_scroll', ...options, vmlinux, ...[dump].flat()], {
      input: `${script}quit\n`,
      env: { ...process.env, HOME: folder, TERM: 'dumb' }, // no .crashrc of whoever runs the tests
    });
    return await Promise.all(files.map((file) => readFile(file, 'utf8')));
  } finally {
    await rm(folder, { recursive: true });
  }
}
