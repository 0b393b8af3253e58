// `npm test`: installs and builds what is out of date, runs the tests, and ends with a line of counts.
// Arguments go to tap: `npm test -- dist/test/cli/*.test.js`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

setup();
const { countTests, formatCounts } = await import('./tap-counts.mjs');

const folder = mkdtempSync(join(tmpdir(), 'vmcore-tap-'));
const output = join(folder, 'output.tap');
try {
  const tap = join(root, 'node_modules/tap/dist/esm/run.mjs');
  const args = [tap, `--output-file=${output}`, ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const counts = countTests(existsSync(output) ? readFileSync(output, 'utf8') : '');
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(`\n${formatCounts(counts)}`);
  process.exitCode = status === 0 && counts.failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
