// `npm test`: installs and builds what is out of date, runs the tests, and ends with a line of counts.
// Arguments go to tap: `npm test -- dist/test/cli/*.test.js`.
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

setup();
// Loaded only now, because it needs a package.
const { report } = await import('./test-report.mjs');

await report([join(root, 'node_modules/tap/dist/esm/run.mjs'), '--reporter=tap', ...process.argv.slice(2)]);
