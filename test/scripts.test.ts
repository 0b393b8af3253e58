import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { root } from './support/oracles.ts';

// The scripts are plain JavaScript that is not compiled: loaded from where it lies.
const { formatCounts, testReport } = await import(join(root, 'scripts/test-report.mjs'));

t.test('the line of counts has the innermost subtests', async (t) => {
  const tap = `TAP version 14
# Subtest: a.test.js
    # Subtest: passes
        ok 1 - one assertion
        # 4 MiB at most
        # time=12.5ms
        ok 2 - another one
        1..2
    ok 1 - passes
    # Subtest: has subtests
        # Subtest: passes
            ok 1 - yes
            1..1
        ok 1 - passes
        ok 2 - skipped # SKIP no makedumpfile
        1..2
    ok 2 - has subtests
    # Subtest: fails
        not ok 1 - no
        1..1
    not ok 3 - fails
    # Subtest: skips all it has
        ok 1 - why # SKIP
        1..1
    ok 4 - skips all it has
    1..4
not ok 1 - a.test.js
# Subtest: b.test.js
    # Subtest: passes
        ok 1 - yes
        1..1
    ok 1 - passes
    1..1
not ok 2 - b.test.js
not ok 3 - c.test.js
ok 4 - d.test.js # SKIP nothing to do here
1..4
`;
  const lines: string[] = [];
  const { stream, counts } = testReport((line: string) => lines.push(line));
  stream.end(tap);
  t.equal(formatCounts(counts), '3 passed, 3 failed, 3 skipped');
  t.ok(lines.includes('  failed: a.test.js > fails'));
  t.ok(lines.includes('  skipped: a.test.js > has subtests > skipped: no makedumpfile'));
  t.ok(lines.includes('  skipped: a.test.js > skips all it has: why'));
  t.ok(lines.includes('FAIL b.test.js: 1 passed'));
  t.same(
    lines.filter((line) => line.includes('#')),
    ['  # 4 MiB at most'],
    'what a test says, and nothing of tap',
  );
});

t.test('an emulated program that falls silent is killed, told, and run once more', async (t) => {
  const watch = (program: string) => {
    const args = [join(root, 'test/s390x/watched.mjs'), '1', 'sh', '-c', program];
    return spawnSync(process.execPath, args, { cwd: t.testdirName, encoding: 'utf8' });
  };
  t.testdir();
  const once = watch('if mkdir seen; then echo ok 1 - first; sleep 600; fi; echo ok 1 - second');
  t.match(once, {
    status: 0,
    stdout: /^ok 1 - second\n# printed nothing for 1 s in run 1 of 2:\n(# .*\n)*# .*sleep 600/,
  });
  const twice = watch('echo ok 1 - begun; sleep 600');
  t.match(twice, { status: 1, stdout: /^ok 1 - begun\n# .* run 1 of 2:\n(# .*\n)*# .* run 2 of 2:\n/ });
  t.match(watch('echo not ok 1; exit 3'), { status: 3, stdout: 'not ok 1\n' });
  const failed = watch('mkdir failed && echo "    not ok 1" && sleep 600; echo ok 1');
  t.match(failed, { status: 1, stdout: /^ {4}not ok 1\n# .* run 1 of 2:\n/ }, 'a failure is not tried again');
  const orphan = watch('sleep 600 & echo ok 1');
  t.match(orphan, { status: 0, stdout: 'ok 1\n' }, 'what it leaves behind ends with it');
});
