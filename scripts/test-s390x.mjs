// `npm run test:s390x [-- --quick | FILE...]`: the compiled tests on a big-endian Node.js, in user-mode emulation, with the
// addon of prebuilds/; with --quick those that don't take minutes there. Fetches Node.js for s390x and cross-builds the
// addon where that is due; test/s390x has the rest.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative, buildTypeScript, install, root } from './setup.mjs';
import { testFiles } from './test-files.mjs';
import { unpackCore } from './unpack-core.mjs';

/** What takes minutes, because it starts many processes or dumps many times. */
const SLOW = [
  /^(agent|memory-budget|package)\.test/,
  /^(fuzz|interop)\//,
  /^benchmarks\/(bench|page)\.test/,
  /^cli\/(cli|dump|input|kdump-tools|makedumpfile|outputs|scrub|verify|vmcoreinfo|vmlinux)\.test/,
  /^estimate\/estimate\.test/,
  /^output\/libkdumpfile\.test/,
  /^pipeline\/(fallback|faults|worker-failures|workers)\.test/,
  /^verify\/real-dumps\.test/,
];

/** Those of the command line; without any, all. */
function wantedFiles(args) {
  if (args[0] !== '--quick') return args.length > 0 ? args : testFiles();
  return testFiles().filter((file) => !SLOW.some((slow) => slow.test(file.slice('dist/test/'.length))));
}

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

function filesIn(folder) {
  return readdirSync(join(root, folder)).map((name) => join(root, folder, name));
}

/** Whether the prebuilt addon is newer than its sources. */
function isPrebuilt() {
  const addon = join(root, 'prebuilds/linux-s390x/vmcore.node');
  const sources = [...filesIn('native'), join(root, 'binding.gyp')];
  return existsSync(addon) && sources.every((file) => statSync(file).mtimeMs < statSync(addon).mtimeMs);
}

install();
buildTypeScript();
run('test/vm/fetch-s390x.sh', ['node']);
if (!isPrebuilt()) run('npm', ['run', '--silent', 'prebuild:all', '--', 's390x']);
// What unpacks the cores is not there for the emulated machine.
for (const fixture of filesIn('test/fixtures')) if (fixture.endsWith('.zst')) await unpackCore(fixture);
buildNative(); // some tests look at this machine's, and node-gyp has one folder for all machines
const { report } = await import('./test-report.mjs');
await report([join(root, 'test/s390x/suite.mjs'), ...wantedFiles(process.argv.slice(2))]);
