// `npm test`: installs and builds what is out of date, runs the tests, and ends with a line of counts.
// Arguments go to tap: `npm test -- dist/test/cli/*.test.js`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

setup();
// Loaded only now, because it needs a package.
const { formatCounts, testReport } = await import('./test-report.mjs');

const tap = join(root, 'node_modules/tap/dist/esm/run.mjs');
const child = spawn(process.execPath, [tap, '--reporter=tap', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const { stream, counts } = testReport((line) => console.log(line));
child.stdout.pipe(stream);
const [status] = await once(child, 'close');
if (status !== 0 && counts.failed === 0) counts.failed = 1;
process.exitCode = counts.failed === 0 ? 0 : 1;
console.log(`\n${formatCounts(counts)}`);
