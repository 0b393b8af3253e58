import { unflatten } from '../index.ts';
import { UsageError } from './args.ts';
import type { Command } from './command.ts';
import { formatBytes } from './format.ts';
import { stdinStream } from './stdin-stream.ts';

export const unflattenCommand: Command = {
  usage: 'vmcore unflatten [OPTION]... INPUT DUMPFILE',
  about: `Puts the dump together that a flattened stream stands for: what 'vmcore dump -F' and 'makedumpfile -F' write.
With - for INPUT the stream comes from standard input.`,
  options: [
    { name: 'force', short: 'f', help: 'replace DUMPFILE, once the new dump is complete' },
    { name: 'accept-truncated', help: 'take a stream without its end: the dump is marked incomplete' },
    {
      name: 'size-limit',
      short: 'L',
      value: 'SIZE',
      help: 'fail when it would be larger, in bytes, or in K, M, G, ...',
    },
    { name: 'dry-run', help: 'write nothing, and tell how large the dump would be' },
  ],
  examples: [
    ['vmcore unflatten vmcore.flat vmcore', 'a file that was written with -F'],
    ['ssh host vmcore dump -F /proc/vmcore | vmcore unflatten - vmcore', 'from the network'],
  ],
  positionals: ['INPUT', 'DUMPFILE'],

  async run(args, { signal, output }) {
    const [input, file] = args.positionals as [string, string];
    if (file === '-')
      throw new UsageError('a dump is put together in a file: - can not be written at positions');
    const report = await unflatten(input === '-' ? stdinStream() : input, file, {
      force: args.has('force'),
      acceptTruncated: args.has('accept-truncated'),
      maxBytes: args.bytes('size-limit'),
      dryRun: args.has('dry-run'),
      signal,
      onIncomplete: (left) => output.note(`vmcore: ${left} is incomplete, and marked so`),
    });
    if (output.json) await output.printJson(report);
    else await output.print(`${file}:${report.dryRun ? ' would be' : ''} ${formatBytes(report.bytes)}\n`);
    if (!report.complete) throw new Error(`the stream has no end: ${file} is marked incomplete`);
  },
};
