// test-suite.mjs [--jobs=N] [--timeout=SECONDS] FILE...: a tap program that runs compiled test files, each in a process of its
// own. tap's own command would load hooks into all of them and into each of their threads, which then starts eight times slower.
import { parseArgs } from 'node:util';
import t from 'tap';

const { values, positionals } = parseArgs({
  options: { jobs: { type: 'string', default: '2' }, timeout: { type: 'string', default: '600' } },
  allowPositionals: true,
});
t.jobs = Number(values.jobs);
t.setTimeout(0);
// The time-out of a file, here and in its own process.
const timeout = Number(values.timeout) * 1000;
const env = { ...process.env, TAP_TIMEOUT: values.timeout };
// tap would still load some of it by NODE_OPTIONS.
const node = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps'];
for (const file of positionals) t.spawn('env', [...node, file], { buffered: true, timeout, env }, file);
