// suite.mjs FILE...: a tap program that runs compiled test files on the emulated Node.js: one process for each folder of
// dist/test, two at a time.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const here = dirname(fileURLToPath(import.meta.url));
const tests = join(here, '../../dist/test');

/** The files by the part that they test, that with most files first: it takes longest, and should not be last. */
function groups(files) {
  const found = new Map();
  for (const file of files.map((name) => resolve(name))) {
    const part =
      dirname(file)
        .slice(tests.length + 1)
        .split('/')[0] || 'vmcore';
    found.set(part, [...(found.get(part) ?? []), file]);
  }
  return [...found].sort(([, some], [, others]) => others.length - some.length);
}

const LIMIT = 3 * 3600; // seconds; CI ends it sooner
const SILENCE = 600; // seconds; no assertion takes that long
t.jobs = 2;
t.setTimeout(LIMIT * 1000);
for (const [part, files] of groups(process.argv.slice(2))) {
  const env = { ...process.env, PREBUILDS_ONLY: '1', TAP_TIMEOUT: String(LIMIT) };
  // By NODE_OPTIONS tap would load some of itself into every process and thread that a test starts.
  const node = ['env', '-u', 'NODE_OPTIONS', join(here, 'node.sh')];
  const program = [...node, join(here, 'files.mjs'), `s390x-${part}`, ...files];
  const args = [join(here, 'watched.mjs'), String(SILENCE), ...program];
  t.spawn(process.execPath, args, { buffered: true, timeout: LIMIT * 1000, env }, part);
}
