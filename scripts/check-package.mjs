// Packs the package as it would be published, and checks the tarball: its exports, and that its types resolve.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', encoding: 'utf8', ...options });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  return result.stdout;
}

setup();
const folder = mkdtempSync(join(tmpdir(), 'vmcore-pack-'));
try {
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename, size, files }] = JSON.parse(run('npm', pack, { stdio: ['ignore', 'pipe', 'inherit'] }));
  console.log(`${filename}: ${files.length} files, ${size} bytes`);
  const tarball = join(folder, filename);
  const bin = (name) => join(root, 'node_modules/.bin', name);
  run(bin('publint'), ['run', tarball, '--strict']);
  run(bin('attw'), [tarball, '--profile', 'esm-only']);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
