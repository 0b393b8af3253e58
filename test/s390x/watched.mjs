// watched.mjs SECONDS COMMAND ARG...: runs a test program whose output is TAP. One that prints nothing for so long is killed,
// with all that it started. Where nothing had failed until then it is run once more: an emulated process may deadlock where
// it has threads and forks (one such way was mended in QEMU 7.2.19, commit e4e839b2eeea). What it hung in is told by
// comments at the end of the output.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const RUNS = 2;
const NOT_OK = /^ *not ok/m;
/** By which this is ended itself; tap sends SIGALRM. */
const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM'];
const [seconds, command, ...args] = process.argv.slice(2);

/** A file of /proc, or nothing of a process that has ended meanwhile. */
function proc(...path) {
  try {
    return readFileSync(`/proc/${path.join('/')}`, 'latin1').trim();
  } catch {
    return '';
  }
}

function idsIn(folder) {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Fields from the state on (proc_pid_stat(5)); the name before it may have spaces. */
function statOf(...path) {
  const [state, , group] = proc(...path, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return { state, group: Number(group) };
}

/** The command line of a process, and what its threads do: state, kernel function and system call. */
function describe(pid) {
  const threads = idsIn(`/proc/${pid}/task`).map((tid) => {
    const place = [pid, 'task', tid];
    return `${statOf(...place).state} ${proc(...place, 'wchan')} ${proc(...place, 'syscall').split(' ')[0]}`;
  });
  return `${pid} ${proc(pid, 'cmdline').replaceAll('\0', ' ').slice(-160)}: ${threads.join(', ')}`;
}

function killGroup(leader) {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Runs the program: what it printed, its exit status, and the processes that hung, if it fell silent. */
function run() {
  // A group of its own, which has all that it starts.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  child.stderr.pipe(process.stderr, { end: false }); // not inherited: what outlives this would hold it
  const output = [];
  let hung = [];
  const timer = setTimeout(() => {
    const members = idsIn('/proc').filter((pid) => statOf(pid).group === child.pid);
    hung = members.map(describe);
    killGroup(child.pid);
  }, seconds * 1000);
  child.stdout.on('data', (chunk) => {
    output.push(chunk);
    timer.refresh();
  });
  const onSignal = () => {
    killGroup(child.pid);
    process.exit(1);
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => {
      clearTimeout(timer);
      for (const signal of ENDING) process.off(signal, onSignal);
      killGroup(child.pid); // what it left behind would hold its output
    });
    child.on('close', (status) => resolve({ output: Buffer.concat(output), status: status ?? 1, hung }));
  });
}

const comments = [];
let last;
for (let runs = 1; runs <= RUNS; runs++) {
  last = await run();
  if (last.hung.length === 0) break;
  comments.push(`# printed nothing for ${seconds} s in run ${runs} of ${RUNS}:`);
  for (const process of last.hung) comments.push(`#   ${process}`);
  if (NOT_OK.test(last.output.toString('latin1'))) break;
}
process.exitCode = last.status;
process.stdout.write(last.output);
for (const line of comments) process.stdout.write(`${line}\n`);
