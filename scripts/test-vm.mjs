// `npm run test:vm [-- NAME...]`: crashes kernels in QEMU and looks at the dumps that were written in their capture
// kernels. Names are kinds of crashes of test/vm/kinds.sh; without any it is `brief`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './setup.mjs';

const names = process.argv.slice(2);
const env = { ...process.env, ...(names.length ? { VMCORE_CRASHES: names.join(' ') } : {}) };
const test = [join(root, 'scripts/test.mjs'), '--timeout=3600', 'dist/test/vm/crashes.vm.js'];
process.exitCode = spawnSync(process.execPath, test, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
