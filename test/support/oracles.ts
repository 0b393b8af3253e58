// Other programs that read and write the same files. An absent one skips a test, or fails it where
// VMCORE_REQUIRE_ORACLES=1 says that all have to be there.
import { spawn, spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { beyondEmulation, EMULATED } from './emulation.ts';

export type OracleName = 'makedumpfile' | 's390x-makedumpfile' | 'crash' | 'drgn' | 'libkdumpfile' | 'strace';

/** The distribution's Python, which has its modules; one that comes first in PATH may not. */
export const python = '/usr/bin/python3';

/** Another build of a program may be named in the environment. */
export const programs = {
  makedumpfile: process.env.MAKEDUMPFILE ?? 'makedumpfile',
  crash: process.env.CRASH ?? 'crash',
};

/** Where test/vm keeps what it makes and fetches. */
export const labDir =
  process.env.VMCORE_LAB ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vmcore-lab');

/** The command line of makedumpfile as it is on s390x, in user-mode emulation: test/vm/fetch-s390x.sh fetches it. */
export function s390xMakedumpfile(...args: string[]): [string, ...string[]] {
  const sysroot = join(labDir, '.s390x');
  return ['qemu-s390x-static', '-L', sysroot, join(sysroot, 'usr/bin/makedumpfile'), ...args];
}

const probes: Record<OracleName, readonly [string, ...string[]]> = {
  makedumpfile: [programs.makedumpfile, '-v'],
  's390x-makedumpfile': s390xMakedumpfile('-v'),
  crash: [programs.crash, '-v'],
  drgn: [python, '-c', 'import drgn'],
  libkdumpfile: [python, '-c', 'import kdumpfile'],
  strace: ['strace', '-V'],
};

/** Whether the caller may go on; where not, the test has been skipped or failed. */
export function absent(t: Test, what: string): false {
  if (process.env.VMCORE_REQUIRE_ORACLES === '1') t.fail(`${what} is absent, and VMCORE_REQUIRE_ORACLES=1`);
  else t.plan(0, `${what} is absent`);
  return false;
}

/** Whether all these programs are there; where not, the test has been skipped or failed. */
export function oracle(t: Test, ...names: OracleName[]): boolean {
  if (EMULATED && names.includes('strace')) {
    t.plan(0, beyondEmulation('strace').skip);
    return false;
  }
  const missing = names.filter((name) => {
    const [command, ...args] = probes[name];
    return spawnSync(command, args).status !== 0;
  });
  return missing.length === 0 || absent(t, missing.join(', '));
}

export interface Output {
  stdout: Buffer;
  stderr: string;
}

export interface RunOptions {
  input?: Uint8Array | string;
  /** Milliseconds after which the program is killed. */
  limit?: number;
  env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end; a failure carries what it printed. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<Output> {
  const child = spawn(command, args, { timeout: options.limit ?? 300_000, env: options.env ?? process.env });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {}); // it may end before it has read all
  child.stdin.end(options.input);
  const ending = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  const output = { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
  if (ending !== '0') {
    const said = `${output.stdout.subarray(-2000)}${output.stderr.slice(-2000)}`;
    throw new Error(`${command} ${args.join(' ')} ended with ${ending}:\n${said}`);
  }
  return output;
}

/** The project's folder, seen from dist/test/support/. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The path of one of the Python programs beside this file. */
export function pythonProgram(name: string): string {
  return `${root}test/support/${name}`;
}

export function runPython(name: string, args: string[], options: RunOptions = {}): Promise<Output> {
  return run(python, [pythonProgram(name), ...args], options);
}
