import { formatRecord, type LogRecord, openVmcore } from '../index.ts';
import type { Command } from './command.ts';

export const dmesg: Command = {
  usage: 'vmcore dmesg [OPTION]... VMCORE',
  about: 'Prints the kernel log as the crashed system had it in memory, the oldest record first.',
  options: [],
  examples: [
    ['vmcore dmesg /proc/vmcore > /var/crash/dmesg.txt', 'save the log, which is small, before the dump'],
    ['vmcore dmesg core | tail -n 40', 'how it ended'],
  ],
  positionals: ['VMCORE'],

  async run(args, { signal, output }) {
    await using core = await openVmcore(args.positionals[0]!, { signal });
    const records = core.dmesg();
    if (output.json) await output.printJson({ records: records.map(toJson) });
    else await output.print(records.map((record) => `${formatRecord(record)}\n`).join(''));
  },
};

function toJson({
  sequence,
  timestamp,
  facility,
  level,
  caller,
  text,
  subsystem,
  device,
}: LogRecord): object {
  const seconds = timestamp === undefined ? undefined : Number(timestamp) / 1e9;
  return { sequence, seconds, facility, level, caller, text, subsystem, device };
}
