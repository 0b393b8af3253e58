// Compiles lib, test, benchmarks and examples to dist/, with the declarations beside the code.
// What has no source any more is removed afterwards, so dist/ is never empty while others run from it.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { root } from './setup.mjs';

const dist = join(root, 'dist');
const compiled = ['lib', 'test', 'benchmarks', 'examples'];

function removeStale() {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const output = /^(.*?)(\.d\.ts|\.js\.map|\.js)$/.exec(relative(dist, file));
    if (entry.isFile() && output && !existsSync(join(root, `${output[1]}.ts`)) && !isDeclaration(file))
      rmSync(file);
  }
  for (const name of readdirSync(dist)) {
    if (!name.startsWith('.') && !compiled.includes(name) && name !== 'types')
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
  for (const name of ['main.js', 'makedumpfile-main.js']) {
    const bin = join(dist, 'lib/cli', name);
    if (existsSync(bin)) chmodSync(bin, 0o755);
  }
}
process.exit(status ?? 1);
