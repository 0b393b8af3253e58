import { type DumpProblem, type VerifyReport, verifyDump } from '../index.ts';
import type { Command } from './command.ts';
import { formatBytes, formatCount } from './format.ts';
import { ProgressLine } from './progress.ts';

/** Problems that are shown; --json has up to 1000. */
const SHOWN = 20;

const STATUS = { complete: 0, incomplete: 3, damaged: 4 } as const;

export const verify: Command = {
  usage: 'vmcore verify [OPTION]... DUMPFILE...',
  about: `Checks a dump, or the files of a split set. Of a kdump-compressed one everything is looked at: headers, notes, bitmaps,
page descriptors, and that every page decompresses; of other formats the headers and notes, and that all data is there.
A dump that its writer marked incomplete, or that was cut off anywhere, is told from one that is damaged.`,
  options: [{ name: 'quiet', short: 'q', help: 'say nothing: the exit status tells' }],
  examples: [
    ['vmcore verify /var/crash/vmcore', 'before the machine that it came from is gone'],
    ['vmcore verify vmcore.1 vmcore.2 vmcore.3', 'the files of a set, in any order'],
    ['vmcore verify --json vmcore | jq .problems[].pfn', 'which pages'],
  ],
  positionals: ['DUMPFILE'],
  takesMore: true,
  statuses: [
    [STATUS.incomplete, 'the dump is incomplete'],
    [STATUS.damaged, 'the dump is damaged'],
  ],

  async run(args, { signal, output }) {
    const isQuiet = args.has('quiet');
    const progress = new ProgressLine(process.stderr);
    const onProgress = isQuiet ? undefined : progress.update.bind(progress);
    try {
      const report = await verifyDump(args.positionals, { signal, onProgress });
      progress.end();
      output.status = STATUS[report.state];
      if (output.json) await output.printJson(report);
      else if (!isQuiet) await output.print(describe(report));
    } finally {
      progress.end();
    }
  },
};

function describe(report: VerifyReport): string {
  const { files, state, problems, problemCount } = report;
  const lines = problems
    .slice(0, SHOWN)
    .map((problem) => `  ${describeProblem(problem, files.length > 1)}\n`);
  const more = problemCount - lines.length;
  if (more > 0) lines.push(`  and ${formatCount(more)} more\n`);
  return `${files.join(' ')}: ${state}: ${whatIsThere(report)}\n${lines.join('')}`;
}

function whatIsThere({ format, flattened, pages, lostPages, damagedPages, bytes }: VerifyReport): string {
  const lost = lostPages > 0 ? `, ${formatCount(lostPages)} of them missing` : '';
  const wrong = damagedPages > 0 ? `, ${formatCount(damagedPages)} of them damaged` : '';
  const kind = `${format ?? 'of no format that can be told'}${flattened ? ', flattened' : ''}`;
  return `${formatBytes(bytes)}, ${formatCount(pages)} pages${lost}${wrong} (${kind})`;
}

function describeProblem({ file, reason, pfn, pages = 0, offset }: DumpProblem, namesFile: boolean): string {
  const where = offset === undefined ? '' : ` (at byte ${offset})`;
  const page =
    pfn === undefined ? '' : `pfn ${pfn}${pages > 1 ? ` and ${formatCount(pages - 1)} more` : ''}: `;
  return `${namesFile ? `${file}: ` : ''}${page}${reason}${where}`;
}
