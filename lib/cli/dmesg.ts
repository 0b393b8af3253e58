import type { Command } from './command.ts';

export const dmesg: Command = {
  usage: 'vmcore dmesg [OPTION]... VMCORE',
  about: 'Prints the kernel log as the crashed system had it in memory, the oldest record first.',
  options: [],
  examples: [
    ['vmcore dmesg /proc/vmcore > /var/crash/dmesg.txt', 'save the log, which is small, before the dump'],
    ['vmcore dmesg core | tail -n 40', 'the panic'],
  ],
  positionals: ['VMCORE'],

  async run(args, { signal, output }) {
    const { formatRecord, openVmcore } = await import('../index.ts');
    await using core = await openVmcore(args.positionals[0]!, { signal });
    const records = core.dmesg();
    if (output.json) await output.printJson({ records });
    else await output.print(records.map((record) => `${formatRecord(record)}\n`).join(''));
  },
};
