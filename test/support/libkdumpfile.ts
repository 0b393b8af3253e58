// libkdumpfile, through its Python module.
import { spawn } from 'node:child_process';
import { python, pythonProgram, runPython } from './oracles.ts';

const pageSize = 4096;

export interface DumpAttributes {
  format: string;
  arch: string;
  pageSize: number;
  release: string;
  vmcoreinfo: string;
  /** By CPU: register names and unsigned decimal values. */
  registers: Record<string, string>[];
}

export async function attributes(dump: string): Promise<DumpAttributes> {
  const { stdout } = await runPython('libkdumpfile.py', ['attributes', dump]);
  return JSON.parse(stdout.toString());
}

/** Bytes that {@link virtualBytes} reads. */
export const VIRTUAL_LENGTH = 64;

/** The first bytes at each virtual address; undefined where it finds none. */
export async function virtualBytes(
  dump: string,
  addresses: readonly bigint[],
): Promise<(Buffer | undefined)[]> {
  const input = addresses.map((address) => `${address.toString(16)}\n`).join('');
  const { stdout } = await runPython('libkdumpfile.py', ['virtual', dump], { input });
  const lines = stdout.toString().trim().split('\n');
  return lines.map((line) => (line === '-' ? undefined : Buffer.from(line, 'hex')));
}

/**
 * The pages of these page frames, in order, as libkdumpfile reads them of a dump or a split set. A page it can't read ends
 * the reading.
 */
export async function* pages(
  dump: string | readonly string[],
  pfns: readonly number[],
): AsyncGenerator<[pfn: number, page: Buffer]> {
  const child = spawn(python, [pythonProgram('libkdumpfile.py'), 'pages', ...[dump].flat()], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  child.stdin.on('error', () => {});
  const input = Buffer.alloc(pfns.length * 8);
  for (const [i, pfn] of pfns.entries()) input.writeBigUInt64LE(BigInt(pfn), i * 8);
  child.stdin.end(input);
  let index = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of child.stdout) {
    const bytes = rest.length ? Buffer.concat([rest, chunk]) : (chunk as Buffer);
    const whole = bytes.length - (bytes.length % pageSize);
    for (let at = 0; at < whole; at += pageSize) yield [pfns[index++]!, bytes.subarray(at, at + pageSize)];
    rest = bytes.subarray(whole);
  }
  if (index !== pfns.length)
    throw new Error(
      `libkdumpfile read ${index} of ${pfns.length} pages of ${[dump].flat().join(' ')}:\n${said}`,
    );
}
