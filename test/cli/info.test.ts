import t from 'tap';
import { bundledCore } from '../support/cores.ts';
import { vmcore } from './command.ts';

const core = await bundledCore();

t.test('info says what the core is', async (t) => {
  const { status, stdout, stderr } = await vmcore(['info', core.path]);
  t.equal(status, 0);
  t.equal(stderr, '');
  t.match(stdout, /^Kernel +6\.1\.0-\d+-cloud-amd64/m);
  t.match(stdout, /^Architecture +x86_64/m);
  t.match(stdout, /^Panic +.*sysrq/im);
  t.match(stdout, /^CPUs +1$/m);
});

t.test('info --json is one object', async (t) => {
  const { status, stdout } = await vmcore(['info', '--json', core.path]);
  t.equal(status, 0);
  t.match(JSON.parse(stdout), {
    file: core.path,
    format: 'elf64',
    arch: 'x86_64',
    littleEndian: true,
    pageSize: 4096,
    size: core.size,
    osrelease: /cloud-amd64/,
    buildId: /^[0-9a-f]{40}$/,
  });
});

t.test('dmesg prints the log in order', async (t) => {
  const { status, stdout } = await vmcore(['dmesg', core.path]);
  t.equal(status, 0);
  const lines = stdout.trimEnd().split('\n');
  t.match(lines[0], /^\[ +0\.000000\] Linux version 6\.1\.0-/);
  t.ok(lines.some((line) => line.includes('Kernel panic - not syncing: sysrq triggered crash')));
  const times = lines.flatMap((line) => /^\[ *(\d+\.\d+)\]/.exec(line)?.[1] ?? []).map(Number);
  t.ok(times.length > 100);
});

t.test('dmesg --json has every record', async (t) => {
  const { generation, lost, records } = JSON.parse((await vmcore(['dmesg', '--json', core.path])).stdout);
  t.match(records[0], { sequence: 0, level: 5, text: /^Linux version 6\.1\.0-/, newline: true });
  t.match(records[0].caller, { kind: 'task', pid: 0 });
  t.strictSame({ generation, lost }, { generation: 'ringbuffer', lost: 0 });
});

t.test('dmesg --caller says who logged', async (t) => {
  const { stdout } = await vmcore(['dmesg', '--caller', '--partial', '--join', core.path]);
  t.match(stdout, /^\[ +0\.000000\] \[ {6}T0\] Linux version /);
});

t.test('a reader that stops reading is no error', async (t) => {
  for (const command of ['info', 'dmesg', 'dmesg --json']) {
    const shell = ['bash', '-o', 'pipefail', '-c', `"$@" ${command} '${core.path}' | head -c 1`, 'bash'];
    const { status, stdout, stderr } = await vmcore([], { wrapper: shell });
    t.strictSame({ status, length: stdout.length, stderr }, { status: 0, length: 1, stderr: '' }, command);
  }
});

t.test('a full disk behind stdout is an error', async (t) => {
  const shell = ['bash', '-o', 'pipefail', '-c', `"$@" dmesg '${core.path}' > /dev/full`, 'bash'];
  const { status, stderr } = await vmcore([], { wrapper: shell });
  t.equal(status, 1);
  t.match(stderr, /^vmcore: .*ENOSPC/);
});
