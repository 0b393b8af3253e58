import type { DumpReport } from '../index.ts';
import type { Arguments } from './args.ts';
import type { Command } from './command.ts';
import { dumpArguments, dumpTarget, outputOptions } from './dump-arguments.ts';
import { dumpStatistics, dumpSummary, failedLevels, incompleteness } from './dump-summary.ts';
import { kernelOptions, openCore } from './open-core.ts';
import { ProgressLine } from './progress.ts';

/** Bits of --message-level, as makedumpfile has them. Errors are always said. */
const PROGRESS = 1;
const COMMON = 2;
const REPORT = 16;
const DEFAULT_MESSAGES = 7;

export const dump: Command = {
  usage:
    'vmcore dump [OPTION]... VMCORE DUMPFILE\n       vmcore dump --split [OPTION]... VMCORE DUMPFILE DUMPFILE...',
  about: `Writes a dump without the pages that nobody will look at, for crash, drgn and libkdumpfile.
With - for DUMPFILE it goes to standard output, in the flattened form, and everything that is said to standard error.
Options are spelled as makedumpfile spells them; the last of several wins.`,
  options: [
    ...outputOptions,
    {
      name: 'message-level',
      value: 'N',
      help: `what to say, a sum: ${PROGRESS} (progress), ${COMMON} (what became of it), ${REPORT} (statistics);\ndefault ${DEFAULT_MESSAGES}; 4 and 8 are accepted, and errors are always said`,
    },
    { name: 'show-stats', help: 'print statistics at the end' },
    {
      name: 'num-threads',
      value: 'N',
      help: 'threads that read and compress pages, 0 for none beside the main one;\nthe dump is the same. Default: one for each processor, as memory allows',
    },
    ...kernelOptions,
    { name: 'non-mmap', help: 'read the core instead of mapping it' },
  ],
  examples: [
    ['vmcore dump -z -d 31 /proc/vmcore /var/crash/vmcore.kdump', 'the smallest dump'],
    ['vmcore dump -c -d 17 core core.kdump', 'keep page cache and user data'],
    ['vmcore dump -d 31 /proc/vmcore - | ssh host "vmcore unflatten - vmcore"', 'over the network'],
    ['vmcore dump -d 1,31 -L 2G /proc/vmcore vmcore.kdump', 'as much as there is room for'],
    ['vmcore dump --json --message-level 0 core core.kdump', 'for scripts'],
  ],
  positionals: ['VMCORE'],
  takesMore: true,

  async run(args, { signal, output }) {
    const options = dumpArguments(args);
    const { messages, workers } = runArguments(args);
    const target = dumpTarget(args);
    output.isStdoutTaken = typeof target === 'object' && 'write' in target;
    const progress = new ProgressLine(process.stderr);
    const access = args.has('non-mmap') ? 'read' : 'auto';
    await using core = await openCore(args, { signal, access });
    try {
      const report = await core.dump(target, {
        ...options,
        workers,
        signal,
        onProgress: messages & PROGRESS ? (now) => progress.update(now) : undefined,
        onIncomplete(file) {
          progress.end();
          output.note(`vmcore: ${file} is incomplete, and marked so`);
        },
      });
      progress.end();
      if (output.json) await output.printJson(report);
      else await output.print(describe(report, messages));
      for (const note of failedLevels(report)) output.note(`vmcore: ${note}`);
      for (const warning of report.warnings) output.note(`vmcore: warning: ${warning}`);
      if (!report.complete) throw new Error(incompleteness(report));
    } finally {
      progress.end();
    }
  },
};

/** What is said, and by how many threads it is done. @throws UsageError. */
export function runArguments(args: Arguments) {
  return {
    messages:
      (args.integer('message-level', 0, 31) ?? DEFAULT_MESSAGES) | (args.has('show-stats') ? REPORT : 0),
    workers: args.integer('num-threads', 0, 1024),
  };
}

function describe(report: DumpReport, messages: number): string {
  const parts = [];
  if (messages & REPORT) parts.push(dumpStatistics(report));
  if (messages & COMMON) parts.push(dumpSummary(report));
  return parts.join('\n');
}
