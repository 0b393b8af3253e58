// The log of a crashed kernel, as it is read from the copy of its memory, against what that kernel had printed on its console.
import type { Test } from 'tap';
import { formatRecord, openVmcore, type Vmcore } from '../../lib/index.ts';
import type { Remains } from './remains.ts';

const TIMESTAMP = /^\[ *(\d+\.\d{6})\] /;

/** The lines that the first of the two kernels printed: those of the capture kernel, whose clock begins again, come between. */
function printed(console: string): string[] {
  const [, before, uptime, after] = /^(.*?)^vm: crash, uptime ([\d.]+)$(.*?)(?=^vm: )/ms.exec(console)!;
  const timeOf = (line: string) => Number(TIMESTAMP.exec(line)?.[1] ?? Number.NaN);
  const lines = (text: string, from: number) => text.split(/\r?\n/).filter((line) => timeOf(line) >= from);
  return [...lines(before!, 0), ...lines(after!, Number(uptime))];
}

/** As the console has them: each line of a message with its time, which dmesg prints once. */
function logLines(core: Vmcore): string[] {
  return core.dmesg().flatMap((record) => {
    const [first = '', ...rest] = formatRecord(record).split('\n');
    const time = TIMESTAMP.exec(first)?.[0] ?? '';
    return [first, ...rest.map((line) => time + line.slice(time.length))].map((line) => line.trimEnd());
  });
}

/** Each line of the console is in the log, in that order; the log also has what the console's log level left out. */
export async function checkLog(t: Test, remains: Remains): Promise<void> {
  await using core = await openVmcore(remains.file('core.elf'));
  const log = logLines(core);
  const lines = printed(remains.console);
  let at = 0;
  const missing = lines.filter((line) => {
    const found = log.indexOf(line.trimEnd(), at);
    if (found >= 0) at = found + 1;
    return found < 0;
  });
  t.same(missing, [], `the log of ${log.length} lines has the ${lines.length} of the console`);
  t.ok(lines.length > 0);
  t.match(log.join('\n'), /sysrq: Trigger a crash\n.*Kernel panic - not syncing: sysrq triggered crash/);
}
