// `npm test [-- FILE...]`: installs and builds what is out of date, runs the compiled test files (all, or those that are named,
// such as dist/test/cli/*.test.js), and ends with a line of counts. Options are those of test-suite.mjs.
import { join } from 'node:path';
import { root, setup } from './setup.mjs';
import { testFiles } from './test-files.mjs';

setup();
// Loaded only now, because it needs a package.
const { report } = await import('./test-report.mjs');

const args = process.argv.slice(2);
const isNamed = args.some((arg) => !arg.startsWith('--'));
await report([join(root, 'scripts/test-suite.mjs'), ...args, ...(isNamed ? [] : testFiles())]);
