// The real cores that tests can use: the bundled one, those of the folders in VMCORE_CORES, and those of test/vm.
import { existsSync, readdirSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Test } from 'tap';
import { beyondEmulation, EMULATED } from './emulation.ts';
import { absent, labDir, root } from './oracles.ts';

export interface TestCore {
  /** Unique, such as 'bundled' or 'lab-numa'. */
  name: string;
  path: string;
  size: number;
  machine: 'x86_64' | 's390x' | 'other';
  /** The crashed kernel with debug information. */
  vmlinux?: string;
}

interface Unpacker {
  unpackCore(packed?: string): Promise<string>;
}

// ELF gABI: e_ident[EI_DATA] is byte 5 (2: big-endian), e_machine the half word at 18.
const machines: Record<number, TestCore['machine']> = { 62: 'x86_64', 22: 's390x' };

/** By address, because the compiled test lies elsewhere than its source. */
async function unpacked(packed: string): Promise<string> {
  const unpacker: Unpacker = await import(new URL('scripts/unpack-core.mjs', `file://${root}`).href);
  return unpacker.unpackCore(packed);
}

async function machineOf(path: string): Promise<TestCore['machine']> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return machines[buffer[5] === 2 ? buffer.readUInt16BE(18) : buffer.readUInt16LE(18)] ?? 'other';
  } finally {
    await file.close();
  }
}

async function testCore(name: string, file: string): Promise<TestCore> {
  const path = file.endsWith('.zst') ? await unpacked(file) : file;
  const vmlinux = join(file, '..', 'vmlinux');
  return {
    name,
    path,
    size: (await stat(path)).size,
    machine: await machineOf(path),
    ...(basename(file) === 'core.elf' && existsSync(vmlinux) ? { vmlinux } : {}),
  };
}

export async function bundledCore(): Promise<TestCore> {
  return testCore('bundled', `${root}test/fixtures/x86_64-6.1.elf.zst`);
}

/** A small core of a big-endian machine. */
export async function bundledS390xCore(): Promise<TestCore> {
  return testCore('bundled-s390x', `${root}test/fixtures/s390x-6.1.elf.zst`);
}

/** Made for benchmarks or for one test; to compare these too, name their folders in VMCORE_CORES. */
const specialCores = ['lab-medium', 'lab-large', 'lab-cleared'];

function labCores(): [string, string][] {
  if (!existsSync(labDir)) return [];
  return readdirSync(labDir)
    .map((name): [string, string] => [`lab-${name}`, join(labDir, name, 'core.elf')])
    .filter(([, path]) => existsSync(path));
}

/** Of the file, or of the folder where that says more. */
function nameOf(folder: string, file: string): string {
  return file === 'core.elf' ? basename(folder) : file.replace(/\.elf(\.zst)?$/, '');
}

function namedCores(): [string, string][] {
  const folders = (process.env.VMCORE_CORES ?? '').split(':').filter((folder) => folder !== '');
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => /\.elf(\.zst)?$/.test(file))
      .map((file): [string, string] => [nameOf(folder, file), join(folder, file)]),
  );
}

/** Every real core of this machine, the bundled one first; in emulation no other one. */
export async function testCores(): Promise<TestCore[]> {
  if (EMULATED) return [await bundledCore()];
  const files = [...namedCores(), ...labCores().filter(([name]) => !specialCores.includes(name))];
  return [await bundledCore(), ...(await Promise.all(files.map(([name, path]) => testCore(name, path))))];
}

export async function x86Cores(): Promise<TestCore[]> {
  return (await testCores()).filter(({ machine }) => machine === 'x86_64');
}

/** Cores of big-endian machines: the bundled one first, then those of the folders in VMCORE_CORES. */
export async function s390xCores(): Promise<TestCore[]> {
  return [await bundledS390xCore(), ...(await testCores()).filter(({ machine }) => machine === 's390x')];
}

/** A core that test/vm/make-cores.sh makes; where it is absent, the test has been skipped or failed. */
export async function labCore(t: Test, name: string): Promise<TestCore | undefined> {
  if (EMULATED) {
    t.plan(0, beyondEmulation('time').skip);
    return undefined;
  }
  const found = labCores().find(([label]) => label === `lab-${name}`);
  if (found) return testCore(...found);
  absent(t, `the core '${name}' (test/vm/make-cores.sh ${name})`);
  return undefined;
}
