// Makes few files of the many that the commands are, in dist/bin: Node.js takes longer to find and link a hundred modules
// than most commands take to run. Programs that import the package get its modules as they are.
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { root } from './setup.mjs';

const from = join(root, 'dist/lib');
const to = join(root, 'dist/bin');

/** What is run, and what it starts: the thread's file lies beside the code that starts it. */
const entryPoints = {
  vmcore: join(from, 'cli/main.js'),
  'vmcore-makedumpfile': join(from, 'cli/makedumpfile-main.js'),
  'copy-worker': join(from, 'pipeline/copy-worker.js'),
};

export async function bundleCommands() {
  const { metafile } = await build({
    entryPoints,
    outdir: to,
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    metafile: true,
    logLevel: 'warning',
  });
  const written = new Set(Object.keys(metafile.outputs).map((file) => resolve(root, file)));
  for (const name of readdirSync(to)) if (!written.has(join(to, name))) rmSync(join(to, name));
  for (const name of ['vmcore', 'vmcore-makedumpfile']) chmodSync(join(to, `${name}.js`), 0o755);
}
