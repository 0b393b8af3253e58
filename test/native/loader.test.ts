import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadNative, native } from '../../lib/access/native.ts';
import { isVmcoreError } from '../../lib/errors.ts';
import { beyondEmulation } from '../support/emulation.ts';

function failureOf(directory: string): Error {
  try {
    loadNative(directory);
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_ADDON')) return error;
    throw error;
  }
  throw new Error('The addon was loaded');
}

const target = `${process.platform}-${process.arch}`;
// scripts/test-asan.sh and test/s390x choose the addon by these variables.
const { VMCORE_PREBUILD, PREBUILDS_ONLY } = process.env;
t.before(() => {
  delete process.env.VMCORE_PREBUILD;
  delete process.env.PREBUILDS_ONLY;
});
t.teardown(() => {
  Object.assign(process.env, JSON.parse(JSON.stringify({ VMCORE_PREBUILD, PREBUILDS_ONLY })));
});

t.test('the addon is loaded once', async (t) => {
  t.equal(native(), native());
});

t.test('without a binary the error says what was tried, what is there and what to do', async (t) => {
  const folder = t.testdir({
    'package.json': '{"name":"vmcore"}',
    prebuilds: { 'linux-sparc': {}, 'linux-vax': {} },
  });
  const { message, cause } = failureOf(folder);
  t.match(message, `for ${target}, Node.js ${process.version}`);
  t.match(message, join(folder, 'build/Release'));
  t.match(message, join(folder, 'prebuilds'));
  t.match(message, 'there: linux-sparc, linux-vax.');
  t.match(message, `\`npm run build:native\` in ${folder}`);
  t.match(cause, { message: /No native build was found/ });
});

t.test(
  'with a binary that cannot be loaded the error has the reason',
  beyondEmulation('prebuilt'),
  async (t) => {
    const folder = t.testdir({ 'package.json': '{"name":"vmcore"}' });
    const release = join(folder, 'build/Release');
    mkdirSync(release, { recursive: true });
    writeFileSync(join(release, 'vmcore.node'), 'no shared object');
    t.match(failureOf(folder).message, /The loader said: .*vmcore\.node/);
    t.match(failureOf(folder).message, 'there: none.');
  },
);

t.test('a folder named by VMCORE_PREBUILD is what was tried', async (t) => {
  const folder = t.testdir({ 'package.json': '{"name":"vmcore"}', empty: {} });
  process.env.VMCORE_PREBUILD = join(folder, 'empty');
  try {
    t.match(failureOf(folder).message, `VMCORE_PREBUILD=${join(folder, 'empty')}`);
  } finally {
    delete process.env.VMCORE_PREBUILD;
  }
});
