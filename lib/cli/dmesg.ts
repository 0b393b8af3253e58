import { formatRecord, joinContinuations, type KernelLog, type LogRecord } from '../index.ts';
import type { Command } from './command.ts';
import { kernelOptions, openCore } from './open-core.ts';

export const dmesg: Command = {
  usage: 'vmcore dmesg [OPTION]... VMCORE',
  about: 'Prints the kernel log as the crashed system had it in memory, the oldest record first.',
  options: [
    { name: 'partial', help: 'only what was logged after the log was last cleared (dmesg --clear)' },
    { name: 'caller', help: 'show which task (T1234) or CPU (C0) logged it, where the kernel kept that' },
    { name: 'join', help: 'put the parts of a continued line on one line' },
    ...kernelOptions,
  ],
  examples: [
    ['vmcore dmesg /proc/vmcore > /var/crash/dmesg.txt', 'save the log, which is small, before the dump'],
    ['vmcore dmesg core | tail -n 40', 'how it ended'],
    ['vmcore dmesg --json core | jq .lost', 'how many messages are missing'],
  ],
  positionals: ['VMCORE'],

  async run(args, { signal, output }) {
    await using core = await openCore(args, { signal });
    const log = core.kernelLog({ sinceClear: args.has('partial') });
    const records = args.has('join') ? joinContinuations(log.records) : log.records;
    const caller = args.has('caller');
    if (output.json) await output.printJson(toJson(log, records));
    else await output.print(records.map((record) => `${formatRecord(record, { caller })}\n`).join(''));
    if (log.lost > 0)
      output.note(`vmcore: warning: ${log.lost} messages are torn, overwritten or unreadable`);
  },
};

function toJson({ generation, lost }: KernelLog, records: readonly LogRecord[]): object {
  return { generation, lost, records: records.map(recordToJson) };
}

/** Without the bytes that the text was made from. */
function recordToJson({ timestamp, raw: _, line: __, ...record }: LogRecord): object {
  const seconds = timestamp === undefined ? undefined : Number(timestamp) / 1e9;
  return { ...record, seconds };
}
