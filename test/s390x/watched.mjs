// watched.mjs SECONDS COMMAND ARG...: runs a test program whose output is TAP. One that prints nothing for so long is killed,
// with all that it started, and run once more: an emulated process may deadlock where it has threads and forks (one such
// way was mended in QEMU 7.2.19, commit e4e839b2eeea). What it hung in is told by comments at the end of the output.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const RUNS = 2;
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

/** proc_pid_stat(5): the state and the parent, behind a name that may have spaces. */
function stateOf(...path) {
  const [state, parent] = proc(...path, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
  return { state, parent };
}

/** The process and all below it. */
function family(pid) {
  const all = idsIn('/proc').map((id) => ({ id, parent: stateOf(id).parent }));
  const found = [String(pid)];
  for (const member of found)
    found.push(...all.filter(({ parent }) => parent === member).map(({ id }) => id));
  return found;
}

/** The command line of a process, and what its threads do: state, kernel function and system call. */
function describe(pid) {
  const threads = idsIn(`/proc/${pid}/task`).map((tid) => {
    const place = ['task', tid].join('/');
    return `${stateOf(pid, place).state} ${proc(pid, place, 'wchan')} ${proc(pid, place, 'syscall').split(' ')[0]}`;
  });
  return `${pid} ${proc(pid, 'cmdline').replaceAll('\0', ' ').slice(-160)}: ${threads.join(', ')}`;
}

function kill(pid) {
  try {
    process.kill(Number(pid), 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** Runs the program: what it printed, its exit status, and the processes that hung, if it fell silent. */
function run() {
  const { NODE_OPTIONS: _, ...env } = process.env; // by which tap loads some of itself into every process and thread
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const output = [];
  let hung = [];
  const timer = setTimeout(() => {
    const members = family(child.pid);
    hung = members.map(describe);
    members.forEach(kill);
  }, seconds * 1000);
  child.stdout.on('data', (chunk) => {
    output.push(chunk);
    timer.refresh();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ output, status: status ?? 1, hung });
    });
  });
}

const comments = [];
let last;
for (let runs = 0; runs < RUNS; runs++) {
  last = await run();
  if (last.hung.length === 0) break;
  comments.push(
    `# printed nothing for ${seconds} s in run ${runs + 1} of ${RUNS}:`,
    ...last.hung.map((line) => `#   ${line}`),
  );
}
process.exitCode = last.status;
process.stdout.write(Buffer.concat(last.output));
for (const line of comments) process.stdout.write(`${line}\n`);
