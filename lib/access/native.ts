import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import load from 'node-gyp-build';
import type { Native } from '../../types/native.d.ts';
import { VmcoreError } from '../errors.ts';

/** The root of the package. */
const PACKAGE = dirname(createRequire(import.meta.url).resolve('vmcore/package.json'));

let loaded: Native | undefined;

/** The addon, loaded by the first call. */
export function native(): Native {
  loaded ??= loadNative(PACKAGE);
  return loaded;
}

/** Loads the addon of the package at `directory`. */
export function loadNative(directory: string): Native {
  try {
    return load(directory) as Native;
  } catch (cause) {
    throw new VmcoreError('ERR_VMCORE_ADDON', explain(directory, cause), { cause });
  }
}

function explain(directory: string, cause: unknown): string {
  const target = `${process.platform}-${process.arch}`;
  const prebuilt = entries(join(directory, 'prebuilds'));
  const override = process.env.VMCORE_PREBUILD;
  return [
    `The addon of vmcore could not be loaded for ${target}, Node.js ${process.version}.`,
    `Tried: ${tried(directory, override).join(', ')}.`,
    `Prebuilt binaries that are there: ${prebuilt.join(', ') || 'none'}.`,
    `The loader said: ${cause instanceof Error ? cause.message.trim() : String(cause)}`,
    advice(target, directory),
  ].join('\n');
}

function tried(directory: string, override: string | undefined): string[] {
  const local = process.env.PREBUILDS_ONLY ? [] : ['build/Release', 'build/Debug'];
  const folders = [...local, 'prebuilds'].map((folder) => join(override ?? directory, folder));
  return override === undefined ? folders : [...folders, `(VMCORE_PREBUILD=${override})`];
}

function advice(target: string, directory: string): string {
  if (process.platform !== 'linux') return 'vmcore runs on Linux only.';
  return (
    `To build it for ${target} you need a C++17 compiler, make and Python 3; then run ` +
    `\`npm run build:native\` in ${directory} (in an installed package: \`npx node-gyp rebuild\` there).`
  );
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}
