// Checks that the prebuilt binaries load on RHEL 8, the oldest system supported: no symbol newer than its libraries,
// and the machine that the folder's name says. Arguments are files; by default all of prebuilds/. Needs readelf.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// RHEL 8: glibc 2.28 and the libstdc++ and libgcc of GCC 8 (GCC's documentation, "ABI Policy and Guidelines").
const NEWEST = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '7.0.0' };

// What readelf calls the machine, for each process.arch.
const MACHINES = { x64: 'X86-64', s390x: 'S/390', arm64: 'AArch64' };

const prebuilds = fileURLToPath(new URL('../prebuilds', import.meta.url));

function prebuilt() {
  try {
    return readdirSync(prebuilds, { recursive: true })
      .filter((name) => name.endsWith('.node'))
      .map((name) => join(prebuilds, name));
  } catch {
    return [];
  }
}

function readelf(option, file) {
  return execFileSync('readelf', [option, '--wide', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
}

function isNewer(version, limit) {
  const [a, b] = [version, limit].map((text) => text.split('.').map(Number));
  const differs = a.findIndex((part, i) => part !== (b[i] ?? 0));
  return differs !== -1 && a[differs] > (b[differs] ?? 0);
}

/** The versions that the binary needs of others' symbols, as [name, version]. */
function neededVersions(file) {
  const needs = readelf('--version-info', file).split('.gnu.version_r')[1] ?? '';
  const found = new Set([...needs.matchAll(/Name: (\S+)/g)].map(([, name]) => name));
  return [...found].sort().map((name) => /^(.+)_([\d.]+)$/.exec(name)?.slice(1) ?? [name, '']);
}

function problemsOf(file) {
  const problems = [];
  for (const [name, version] of neededVersions(file)) {
    if (!(name in NEWEST)) problems.push(`needs ${name}_${version}, which is not known here`);
    else if (isNewer(version, NEWEST[name]))
      problems.push(`needs ${name}_${version}, RHEL 8 has ${NEWEST[name]}`);
  }
  const arch = /linux-(\w+)$/.exec(basename(dirname(file)))?.[1];
  const machine = /Machine:\s+(.*)/.exec(readelf('--file-header', file))?.[1];
  if (arch && !machine.includes(MACHINES[arch])) problems.push(`is for ${machine}`);
  return problems;
}

const files = process.argv.length > 2 ? process.argv.slice(2) : prebuilt();
if (files.length === 0) {
  console.error('check-symbols: no prebuilt binaries; run scripts/prebuild.sh');
  process.exit(1);
}
for (const file of files) {
  const problems = problemsOf(file);
  const newest = neededVersions(file).map((pair) => pair.join('_'));
  console.log(`${file}: ${problems.length === 0 ? 'ok' : problems.join('; ')} (${newest.join(' ')})`);
  if (problems.length > 0) process.exitCode = 1;
}
