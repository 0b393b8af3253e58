import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

// A folder outside the repository, where nothing but the packed tarball is installed.
const folder = mkdtempSync(join(tmpdir(), 'vmcore-package-'));
t.teardown(() => rmSync(folder, { recursive: true }));

function npm(...args: string[]) {
  return run('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
}

function node(code: string, env: Record<string, string> = {}) {
  const args = ['--input-type=module', '-e', code];
  return run(process.execPath, args, { cwd: folder, env: { ...process.env, ...env } });
}

let packed: string[];

t.before(async () => {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const { stdout } = await npm('pack', root, '--json');
  const [{ filename, files }] = JSON.parse(stdout);
  packed = files.map(({ path }: { path: string }) => path);
  await npm('install', '--prefer-offline', '--omit=optional', join(folder, filename));
});

t.test('what is packed', async (t) => {
  const tops = new Set(packed.map((path) => path.split('/', path.startsWith('dist/') ? 2 : 1).join('/')));
  const needed = [
    'dist/lib',
    'dist/types',
    'native',
    'binding.gyp',
    'docs',
    'LICENSE',
    'README.md',
    'NOTICE',
  ];
  for (const name of needed) t.ok(tops.has(name), `${name} is in the package`);
  for (const name of ['dist/test', 'dist/examples', 'test', 'scripts', 'node_modules']) {
    t.notOk(tops.has(name), `${name} is not`);
  }
});

t.test('import and require work', async (t) => {
  const imported = await node(`import { openVmcore } from 'vmcore'; console.log(typeof openVmcore)`);
  t.equal(imported.stdout, 'function\n');
  const required = await node(
    `import { createRequire } from 'node:module'; console.log(typeof createRequire(process.cwd() + '/x.js')('vmcore').openVmcore)`,
  );
  t.equal(required.stdout, 'function\n');
});

t.test('the command is installed', async (t) => {
  const { stdout } = await run(join(folder, 'node_modules/.bin/vmcore'), ['--version']);
  t.equal(stdout, `${version}\n`);
});

t.test('without its addon it says what to do', async (t) => {
  const open = `openVmcore(process.execPath).catch((error) => console.log(error.code))`;
  const { stdout } = await node(`import { openVmcore } from 'vmcore'; ${open}`, { VMCORE_PREBUILD: folder });
  t.equal(stdout, 'ERR_VMCORE_ADDON\n');
});

t.test('its declarations compile in a strict project', async (t) => {
  const consumer = `
import { openVmcore, Vmcore, VmcoreError } from 'vmcore';
// @ts-expect-error: only openVmcore() makes one
new Vmcore();
const core: Vmcore = await openVmcore('/proc/vmcore');
const bytes: Uint8Array = core.readPhysical(0, 16);
try {
  await core.dump('/tmp/dump', { level: 31, compression: 'zstd', onProgress: ({ phase }) => phase.length });
} catch (error) {
  if (error instanceof VmcoreError) console.log(error.code, bytes.length);
}
`;
  const config = {
    compilerOptions: {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: ['src/consumer.ts'],
  };
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/consumer.ts'), consumer);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const failure = await run(process.execPath, [tsc, '-p', folder]).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  t.equal(failure, '');
});
