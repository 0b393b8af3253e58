// crash and drgn read the log with debug information instead of VMCOREINFO, and come to the same records.
import t from 'tap';
import { formatRecord, type LogRecord, openVmcore } from '../../../lib/index.ts';
import { labCore } from '../../support/cores.ts';
import { crashSession } from '../../support/crash.ts';
import { type PrintkRecord, printkRecords } from '../../support/drgn.ts';
import { oracle } from '../../support/oracles.ts';

function asDrgnHasIt(record: LogRecord): PrintkRecord {
  const { caller, subsystem, device } = record;
  return {
    text: Buffer.from(record.raw).toString('hex'),
    facility: record.facility!,
    level: record.level!,
    seq: record.sequence,
    timestamp: String(record.timestamp),
    caller_tid: caller?.kind === 'task' ? caller.pid : null,
    caller_cpu: caller?.kind === 'cpu' ? caller.cpu : null,
    continuation: record.continuation,
    context: { ...(subsystem && { SUBSYSTEM: subsystem }), ...(device && { DEVICE: device }) },
  };
}

t.test('the log', async (t) => {
  const core = await labCore(t, 'small');
  if (!core) return;
  const { vmlinux } = core;
  if (!vmlinux) return t.fail('the core has no vmlinux beside it');
  const ours = await openVmcore(core.path);
  t.teardown(() => ours.close());
  const records = ours.dmesg();

  t.test('record by record, with callers and devices, as drgn has it', async (t) => {
    if (!oracle(t, 'drgn')) return;
    const theirs = await printkRecords(core.path, vmlinux);
    t.ok(theirs.some(({ caller_tid }) => caller_tid! > 1) && theirs.some(({ context }) => context.DEVICE));
    t.strictSame(records.map(asDrgnHasIt), theirs);
  });

  t.test('as text, as crash prints it', async (t) => {
    if (!oracle(t, 'crash')) return;
    const [text] = await crashSession(vmlinux, core.path, ['log']);
    const lines = text!.split('\n').map((line) => line.trimEnd());
    const own = records.flatMap((record) =>
      formatRecord(record)
        .split('\n')
        .map((line) => line.trimEnd()),
    );
    t.strictSame([...own, ''], lines);
  });
});
