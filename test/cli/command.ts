import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The programs themselves, for `node`. */
export const main = fileURLToPath(new URL('../../bin/vmcore.js', import.meta.url));
export const makedumpfile = fileURLToPath(new URL('../../bin/vmcore-makedumpfile.js', import.meta.url));

export interface Result {
  /** The exit status, or undefined when a signal ended the process. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  /** Run as this user. */
  readonly uid?: number;
  /** Called with what has come on stderr so far, and a way to send a signal. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** Which of the programs; default `main`. */
  readonly program?: string;
  /** A command that is given the command line of vmcore, such as `prlimit --fsize=65536`. */
  readonly wrapper?: readonly string[];
}

/** Runs `vmcore` as a user does: a process of its own, with pipes. */
export async function vmcore(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const [command, ...rest] = [...(options.wrapper ?? []), process.execPath, options.program ?? main, ...args];
  const child = spawn(command!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    options.onStderr?.(stderr, (signal) => child.kill(signal));
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const stdout = await text(child.stdout);
  return { status: (await exit) ?? undefined, stdout, stderr };
}
