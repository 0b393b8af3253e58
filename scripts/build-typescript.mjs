// Compiles lib, test, benchmarks and examples to dist/, with the declarations beside the code, and the commands to dist/bin.
// What has no source any more is removed afterwards, so dist/ is never empty while others run from it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { bundleCommands } from './bundle-commands.mjs';
import { root } from './setup.mjs';

const dist = join(root, 'dist');
const compiled = ['lib', 'test', 'benchmarks', 'examples'];

function removeStale() {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const output = /^(.*?)(\.d\.ts|\.js\.map|\.js)$/.exec(relative(dist, file));
    const hasSource = output && (existsSync(join(root, `${output[1]}.ts`)) || isDeclaration(file));
    if (entry.isFile() && output && !hasSource && !output[1].startsWith('bin/')) rmSync(file);
  }
  for (const name of readdirSync(dist)) {
    if (!name.startsWith('.') && !compiled.includes(name) && name !== 'types' && name !== 'bin')
      rmSync(join(dist, name), { recursive: true });
  }
}

function isDeclaration(file) {
  return existsSync(join(root, relative(dist, file))) && file.endsWith('.d.ts');
}

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
// Incremental, so that only what changed is compiled; what it knows of the last time goes with dist/.
const incremental = ['--incremental', '--tsBuildInfoFile', join(dist, '.tsbuildinfo')];
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json'), ...incremental], {
  stdio: 'inherit',
});
if (existsSync(dist)) {
  removeStale();
  // Generated declarations import these by their place relative to lib/.
  cpSync(join(root, 'types'), join(dist, 'types'), { recursive: true });
  if (status === 0) await bundleCommands();
}
process.exit(status ?? 1);
