// Other programs, opening a dump: each rejects when it does not.
import { rm } from 'node:fs/promises';
import { crashSession } from '../support/crash.ts';
import { sampleAddresses } from '../support/drgn.ts';
import { attributes } from '../support/libkdumpfile.ts';
import { programs, run } from '../support/oracles.ts';

type Reader = (files: readonly string[], vmlinux: string) => Promise<void>;

function requireOne(files: readonly string[]): string {
  if (files.length > 1) throw new Error('it takes one file');
  return files[0]!;
}

export const readers: Readonly<Record<string, Reader>> = {
  /** Makes another dump of it. */
  async makedumpfile(files) {
    const out = `${files[0]}.out`;
    const arguments_ = files.length > 1 ? ['--reassemble', ...files] : ['-c', '-d', '31', ...files];
    await run(programs.makedumpfile, ['--message-level', '0', ...arguments_, out]).finally(() =>
      rm(out, { force: true }),
    );
  },
  /** Unflattens it. */
  async 'makedumpfile -R'(files) {
    const out = `${files[0]}.out`;
    const command = `${programs.makedumpfile} --message-level 0 -R ${out} < ${requireOne(files)}`;
    await run('sh', ['-c', command]).finally(() => rm(out, { force: true }));
  },
  async crash(files, vmlinux) {
    const [log] = await crashSession(vmlinux, files, ['log']);
    if (!log?.includes('Kernel panic')) throw new Error('crash shows no log');
  },
  async drgn(files) {
    await sampleAddresses(requireOne(files), 1);
  },
  async libkdumpfile(files) {
    const { release } = await attributes(requireOne(files));
    if (!release) throw new Error('libkdumpfile tells no release');
  },
};
