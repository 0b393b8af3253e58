// `npm run test:vm [-- NAME...]`: crashes kernels in QEMU and looks at the dumps that were written in their capture
// kernels. Names are those of test/vm/NAME.vm.ts, or kinds of crashes of test/vm/kinds.sh; without any it is `brief`.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const names = process.argv.slice(2);
const hasTest = (name) => existsSync(join(root, `test/vm/${name}.vm.ts`));
const kinds = names.filter((name) => !hasTest(name));
const files = names.filter(hasTest);
if (kinds.length > 0 || files.length === 0) files.unshift('crashes');

const env = { ...process.env, ...(kinds.length ? { VMCORE_CRASHES: kinds.join(' ') } : {}) };
const tests = files.map((name) => `dist/test/vm/${name}.vm.js`);
const command = [join(root, 'scripts/test.mjs'), '--timeout=3600', '--jobs=1', ...tests];
process.exitCode = spawnSync(process.execPath, command, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
