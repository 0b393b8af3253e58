// `npm run demo`: a real crashed kernel's memory, from the compressed core in the repository to a filtered dump.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root, setup } from './setup.mjs';
import { bundledCore, unpackCore } from './unpack-core.mjs';

const command = join(root, 'dist/bin/vmcore.js');

/** Shows a `vmcore` command line and runs it; with `lines`, shows only the last lines of what it prints. */
function vmcore(args, lines) {
  console.log(
    `\n$ vmcore ${args.map((arg) => relative(process.cwd(), arg) || arg).join(' ')}${lines ? ` | tail -n ${lines}` : ''}`,
  );
  const stdout = lines ? 'pipe' : 'inherit';
  const run = spawnSync(process.execPath, [command, ...args], {
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (lines) console.log(run.stdout.trimEnd().split('\n').slice(-lines).join('\n'));
  if (run.status !== 0) process.exit(run.status ?? 1);
}

setup();
console.log(`Unpacking ${relative(process.cwd(), bundledCore)} ...`);
const core = await unpackCore();
const folder = join(root, 'demo');
const dump = join(folder, 'vmcore.kdump');
mkdirSync(folder, { recursive: true });

vmcore(['info', core]);
vmcore(['dmesg', core], 12);
vmcore(['dump', '-f', '-z', '-d', '31', '--show-stats', core, dump]);
console.log(
  `\nThe dump is ${relative(process.cwd(), dump)}. Open it with: crash VMLINUX ${relative(process.cwd(), dump)}`,
);
