// Brings a clone up to date: packages, the addon, the compiled TypeScript; does nothing where nothing changed.
// Node's own modules only: this runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs npm with its output on stderr, and ends this process when it fails. */
function npm(args, advice) {
  const cli = process.env.npm_execpath;
  const [command, ...prefix] = cli?.endsWith('.js') ? [process.execPath, cli] : ['npm'];
  const { status } = spawnSync(command, [...prefix, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error(`\n'npm ${args.join(' ')}' failed. ${advice}`);
  process.exit(1);
}

function readLock(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
}

/** Whether every package of package-lock.json is installed in that version; optional ones may be absent. */
function isInstalled() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const installed = readLock('node_modules/.package-lock.json');
  return Object.entries(readLock('package-lock.json')).every(([path, wanted]) => {
    if (path === '') return true;
    const present = installed[path];
    return present ? present.version === wanted.version : Boolean(wanted.optional || wanted.devOptional);
  });
}

function filesUnder(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [full];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Names, sizes and times of the inputs: it differs when one was added, edited or removed. */
function fingerprint(paths, wanted) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(filesUnder).filter(wanted).sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** Runs `make` unless `output` exists and its inputs are those of the last successful run. */
function unlessCurrent({ output, stamp, inputs, wanted = () => true }, make) {
  const stampFile = join(root, stamp);
  const now = fingerprint(inputs, wanted);
  const isCurrent =
    existsSync(join(root, output)) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === now;
  if (isCurrent) return;
  make();
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, now);
}

export function install() {
  if (isInstalled()) return;
  console.error('Installing packages (about a minute the first time) ...');
  npm(
    ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
    'The message above says why.',
  );
}

export function buildNative() {
  const target = {
    output: 'build/Release/vmcore.node',
    stamp: 'build/.stamp',
    inputs: ['native', 'binding.gyp', 'node_modules/node-addon-api/package.json'],
  };
  unlessCurrent(target, () => {
    console.error('Building the addon ...');
    npm(['run', '--silent', 'build:native'], 'It needs a C++17 compiler, make and Python 3.');
  });
}

export function buildTypeScript() {
  const target = {
    output: 'dist/bin/vmcore.js',
    stamp: 'dist/.stamp',
    inputs: [
      'lib',
      'types',
      'test',
      'benchmarks',
      'examples',
      'tsconfig.json',
      'node_modules/typescript/package.json',
    ],
    wanted: (file) => file.endsWith('.ts') || file.endsWith('.json'),
  };
  unlessCurrent(target, () => {
    console.error('Compiling TypeScript ...');
    npm(['run', '--silent', 'build:typescript'], 'The message above says why.');
  });
}

export function setup() {
  install();
  buildNative();
  buildTypeScript();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
