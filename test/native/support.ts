import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { native } from '../../lib/access/native.ts';
import type { NativeSource } from '../../types/native.d.ts';
import { beyondEmulation, EMULATED } from '../support/emulation.ts';

export const PAGE = native().pageSize;

/** True in a run of scripts/test-asan.sh. */
export const SANITIZED = process.env.VMCORE_SANITIZED === '1';

/** Byte `position` of a file that {@link patternFile} wrote: differs between neighbours and between pages. */
export function patternAt(position: number): number {
  return (position * 7 + Math.floor(position / 4096) * 13 + 1) & 0xff;
}

/** Writes a file of `length` bytes and returns its path. */
export function patternFile(folder: string, length: number, name = 'pattern'): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    Uint8Array.from({ length }, (_, position) => patternAt(position)),
  );
  return path;
}

export interface OpenSource extends Disposable {
  readonly fd: number;
  readonly source: NativeSource;
}

export function openSource(path: string, flags = 'r'): OpenSource {
  const fd = openSync(path, flags);
  return { fd, source: native().source(fd), [Symbol.dispose]: () => closeSync(fd) };
}

/** The counters of a source by name. */
export function countersOf(source: NativeSource) {
  const values = new Float64Array(11);
  source.counters(values);
  const [maps, mapBytes, mapErrors, unmaps, unmapBytes, unmapErrors, preads, preadBytes, preadErrors] =
    values;
  const [mapped, mappedHighWater] = values.subarray(9);
  return {
    maps,
    mapBytes,
    mapErrors,
    unmaps,
    unmapBytes,
    unmapErrors,
    preads,
    preadBytes,
    preadErrors,
    mapped,
    mappedHighWater,
  };
}

/** How many mappings of `path` this process has, as the kernel lists them. */
export function mappingsOf(path: string): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${path}`)).length;
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Collects garbage, and lets finalizers run, until `done`; false when that does not help. */
export async function collectUntil(done: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 20; turn++) {
    if (done()) return true;
    await collect();
  }
  return done();
}

/** Collects garbage and lets finalizers run. */
export async function collect(): Promise<void> {
  gc();
  await nextTurn();
  await nextTurn();
}

/** ArrayBuffer.prototype.transfer, which the library's target has no type for. */
export function transfer(buffer: ArrayBuffer): ArrayBuffer {
  return Reflect.apply(Reflect.get(buffer, 'transfer'), buffer, []);
}

/** The compiled program of programs/ with this name. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`programs/${name}.js`, import.meta.url));
}

/** Runs a program of programs/ in a process of its own. */
export function runProgram(
  name: string,
  programArgs: readonly string[],
  nodeArgs: readonly string[] = [],
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...nodeArgs, programPath(name), ...programArgs], { encoding: 'utf8' });
}

/** Options for tests that need the system's command `name`: skipped without it, unless oracles are required. */
export function needs(name: string): { skip?: string } {
  if (EMULATED && name === 'strace') return beyondEmulation('strace');
  const found = spawnSync('sh', ['-c', `command -v "${name}"`]).status === 0;
  if (found || process.env.VMCORE_REQUIRE_ORACLES === '1') return {};
  return { skip: `${name} is not installed` };
}

/** Node.js 20 has ArrayBuffer.prototype.transfer only behind a flag. */
export const TRANSFER_FLAGS: readonly string[] =
  'transfer' in ArrayBuffer.prototype ? [] : ['--harmony-rab-gsab-transfer'];

/** What `parts` (bytes wanted, left out, wanted, and so on) wants of `bytes` from `offset` on. */
export function wantedOf(bytes: Uint8Array, offset: number, parts: readonly number[]): Uint8Array {
  let end = offset;
  const wanted = parts.map((length, i) => {
    const start = end;
    end += length;
    return i % 2 === 0 ? bytes.subarray(start, end) : new Uint8Array(0);
  });
  return new Uint8Array(Buffer.concat(wanted));
}
