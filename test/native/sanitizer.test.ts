import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import { SANITIZED } from './support.ts';

const skipped = SANITIZED ? {} : { skip: 'only in scripts/test-asan.sh' };

t.test('the addon under test is the one with sanitizers', skipped, async (t) => {
  native();
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const folder = process.env.VMCORE_PREBUILD!;
  t.match(maps, join(folder, 'build/Release/vmcore.node'));
  t.match(maps, /libasan\.so/);
  t.match(maps, /libubsan\.so/);
  t.notMatch(maps, join(folder, '../Release/vmcore.node'));
});

t.test('the sanitizers report what is wrong on purpose', skipped, async (t) => {
  const probe = JSON.stringify(join(process.env.VMCORE_PREBUILD!, 'build/probe/probe.node'));
  for (const [call, report] of [
    ['useAfterFree', /AddressSanitizer: heap-use-after-free/],
    ['overflow', /runtime error: signed integer overflow/],
  ] as const) {
    const run = spawnSync(process.execPath, ['-e', `require(${probe}).${call}()`], { encoding: 'utf8' });
    t.not(run.status, 0, call);
    t.match(run.stderr, report);
  }
});
