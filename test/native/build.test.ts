import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { needs } from './support.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const checkSymbols = join(root, 'scripts/check-symbols.mjs');

t.test('binding.gyp and CMakeLists.txt build all sources, with the same defines and flags', async (t) => {
  const gyp = read('binding.gyp');
  const cmake = read('native/CMakeLists.txt');
  const gypList = (key: string) =>
    [...new RegExp(`"${key}": \\[([^\\]]*)\\]`).exec(gyp)![1]!.matchAll(/"([^"]+)"/g)].map(
      ([, word]) => word!,
    );
  const cmakeList = (start: string) =>
    new RegExp(`${start}([^)]*)\\)`)
      .exec(cmake)![1]!
      .split(/\s+/)
      .filter((word) => word !== '');

  const sources = readdirSync(join(root, 'native')).filter((name) => name.endsWith('.cc'));
  t.same(gypList('sources'), sources.map((name) => `native/${name}`).sort());
  t.same(cmakeList('set\\(VMCORE_SOURCES'), sources.sort());

  // What node-gyp and the dependency of binding.gyp add by themselves.
  const implied = ['NAPI_CPP_EXCEPTIONS', 'BUILDING_NODE_EXTENSION'];
  const defines = cmakeList('target_compile_definitions\\(\\$\\{name\\} PRIVATE');
  t.same(defines.filter((name) => !implied.includes(name)).sort(), gypList('defines').sort());
  const flags = cmakeList('target_compile_options\\(\\$\\{name\\} PRIVATE').filter(
    (flag) => flag !== '-fexceptions',
  );
  t.same(['-std=c++17', ...flags], gypList('cflags_cc'));
  t.same(cmakeList('target_link_options\\(\\$\\{name\\} PRIVATE'), gypList('ldflags'));
});

t.test('installing runs no script', async (t) => {
  const { scripts, gypfile } = JSON.parse(read('package.json'));
  t.equal(gypfile, false);
  for (const name of ['preinstall', 'install', 'postinstall', 'prebuild']) t.notOk(name in scripts, name);
});

t.test('the symbol check passes what loads on RHEL 8', needs('readelf'), async (t) => {
  const check = spawnSync(process.execPath, [checkSymbols, join(root, 'build/Release/vmcore.node')], {
    encoding: 'utf8',
  });
  t.equal(check.status, 0, check.stdout);
  t.match(check.stdout, /: ok \(.*GLIBC_2/);
});

t.test('the symbol check fails beyond', needs('readelf'), async (t) => {
  const folder = t.testdir();
  const [source, binary] = [join(folder, 'new.c'), join(folder, 'new.so')];
  // A library of one's own with a version like glibc's, whatever the glibc of this machine is.
  writeFileSync(join(folder, 'map'), 'GLIBC_2.99 { global: newest; };\n');
  writeFileSync(join(folder, 'library.c'), 'int newest(void) { return 1; }\n');
  writeFileSync(source, 'int newest(void); int call(void) { return newest(); }\n');
  const library = join(folder, 'libnewest.so');
  const shared = ['-shared', '-fPIC'];
  execFileSync('cc', [
    ...shared,
    '-o',
    library,
    join(folder, 'library.c'),
    `-Wl,--version-script=${join(folder, 'map')}`,
  ]);
  execFileSync('cc', [...shared, '-o', binary, source, library]);
  const check = spawnSync(process.execPath, [checkSymbols, binary], { encoding: 'utf8' });
  t.equal(check.status, 1);
  t.match(check.stdout, 'needs GLIBC_2.99, RHEL 8 has 2.28');
});
