import { spawn, spawnSync } from 'node:child_process';
import { closeSync, createReadStream, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { countCalls, TRACED, type TracedCalls } from './strace.ts';

/** MAKEDUMPFILE names another build. */
export const MAKEDUMPFILE = process.env.MAKEDUMPFILE ?? 'makedumpfile';

/** The first line of its version, or undefined where it is not installed. */
export function makedumpfileVersion(): string | undefined {
  const { status, stdout, stderr } = spawnSync(MAKEDUMPFILE, ['-v'], { encoding: 'utf8' });
  return status === 0 ? `${stdout}${stderr}`.split('\n')[0]!.replace(/^makedumpfile: /, '') : undefined;
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ['-V'], { stdio: 'ignore' }).error === undefined;
}

/** Calls that it makes on the core, by strace. Its dump is thrown away. */
export async function traceMakedumpfile(core: string, options: readonly string[]): Promise<TracedCalls> {
  const folder = mkdtempSync(join(tmpdir(), 'vmcore-strace-'));
  const log = join(folder, 'log');
  try {
    const strace = ['-f', '-y', '-s', '0', '-e', `trace=${TRACED}`, '-o', log];
    await run('strace', [...strace, MAKEDUMPFILE, ...options, '-f', core, '/dev/null']);
    const lines: string[] = [];
    for await (const line of createInterface(createReadStream(log)))
      if (isRelevant(line, core)) lines.push(line);
    return countCalls(lines, core);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Keeps the memory that a long trace takes within reason. */
function isRelevant(line: string, core: string): boolean {
  return line.includes(`<${core}>`) || line.includes('munmap') || line.includes('resumed>');
}

/**
 * Seconds in which it judged all pages once; NaN where it judged none. What its buffer has no room for it judges in cycles, all
 * of them once to count and once more to copy.
 */
export function judgingSeconds(messages: string): number {
  const lines = messages.matchAll(/^STEP \[Excluding unnecessary pages\s*\]\s*: (\d+\.\d+) seconds$/gm);
  const cycles = Array.from(lines, ([, seconds]) => Number(seconds));
  if (cycles.length === 0) return Number.NaN;
  return cycles.slice(0, Math.ceil(cycles.length / 2)).reduce((sum, seconds) => sum + seconds, 0);
}

/** Runs it and returns its messages. */
export function runMakedumpfile(options: readonly string[], core: string, output: string): Promise<string> {
  return run(MAKEDUMPFILE, [...options, '--message-level', '31', '-f', core, output]);
}

/** Runs a program to its end and returns what it printed, carriage returns as line ends. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const add = (chunk: Buffer) => {
    text += chunk;
  };
  child.stdout.on('data', add);
  child.stderr.on('data', add);
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  if (status === 0) return text.replaceAll('\r', '\n');
  throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${text.slice(-1000)}`);
}

/** Bits of the status in the header of a kdump-compressed file (makedumpfile's diskdump_mod.h). */
const CODECS: Readonly<Record<number, string>> = { 0: 'none', 1: 'zlib', 2: 'lzo', 4: 'snappy', 32: 'zstd' };
const CODEC_BITS = 0x27;
/** Offset of `status` in struct disk_dump_header, on 64-bit machines. */
const STATUS_OFFSET = 424;
/** Byte order is that of the dumped machine: `block_size`, a power of two that follows the status, tells it. */
const BLOCK_SIZE_OFFSET = 428;

/** The codec that a dump's header names: a makedumpfile without a codec writes raw pages and says so only there. */
export function codecOf(dump: string): string {
  const header = Buffer.alloc(464);
  const fd = openSync(dump, 'r');
  try {
    readSync(fd, header, 0, header.length, 0);
  } finally {
    closeSync(fd);
  }
  if (header.toString('latin1', 0, 8) !== 'KDUMP   ')
    throw new Error(`${dump} is not in kdump-compressed format`);
  const little = header.readUInt32LE(BLOCK_SIZE_OFFSET) < 1 << 20;
  const status = little ? header.readUInt32LE(STATUS_OFFSET) : header.readUInt32BE(STATUS_OFFSET);
  return CODECS[status & CODEC_BITS] ?? `unknown (status ${status})`;
}
