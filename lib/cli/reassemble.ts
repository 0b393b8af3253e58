import { reassemble } from '../index.ts';
import { UsageError } from './args.ts';
import type { Command } from './command.ts';
import { formatBytes, formatCount } from './format.ts';
import { stdoutStream } from './stdout-stream.ts';

export const reassembleCommand: Command = {
  usage: 'vmcore reassemble [OPTION]... MEMBER MEMBER... DUMPFILE',
  about: `Makes one dump of the files of a split set: what 'vmcore dump --split' and 'makedumpfile --split' write.
With - for DUMPFILE it goes to standard output, in the flattened form.`,
  options: [
    { name: 'force', short: 'f', help: 'replace DUMPFILE, once the new dump is complete' },
    {
      name: 'size-limit',
      short: 'L',
      value: 'SIZE',
      help: 'fail when it would be larger, in bytes, or in K, M, G, ...',
    },
    { name: 'dry-run', help: 'write nothing, and tell how large the dump would be' },
  ],
  examples: [['vmcore reassemble vmcore.1 vmcore.2 vmcore.3 vmcore', 'the members in any order']],
  positionals: ['MEMBER', 'DUMPFILE'],
  takesMore: true,

  async run(args, { signal, output }) {
    const members = args.positionals.slice(0, -1);
    const file = args.positionals.at(-1)!;
    if (members.includes('-')) throw new UsageError('the members of a set are files: - is none');
    const target = file === '-' ? stdoutStream() : file;
    output.isStdoutTaken = file === '-';
    const report = await reassemble(members, target, {
      force: args.has('force'),
      maxBytes: args.bytes('size-limit'),
      dryRun: args.has('dry-run'),
      signal,
      onIncomplete: (left) => output.note(`vmcore: ${left} is incomplete, and marked so`),
    });
    if (output.json) await output.printJson(report);
    else {
      const would = report.dryRun ? ' would be' : '';
      await output.print(
        `${report.file}:${would} ${formatBytes(report.bytes)}, ${formatCount(report.pages)} pages\n`,
      );
    }
    if (!report.complete) throw new Error(`a member is incomplete: ${report.file} is marked incomplete`);
  },
};
