import { type DumpLevel, type DumpReport, LEVEL_CLASSES, openVmcore, type PhaseReport } from '../index.ts';
import { type Arguments, UsageError } from './args.ts';
import type { Command } from './command.ts';
import { formatBytes, formatCount, formatDuration, formatRows } from './format.ts';
import { ProgressLine } from './progress.ts';

/** Bits of --message-level, as makedumpfile has them. Errors are always said. */
const PROGRESS = 1;
const COMMON = 2;
const REPORT = 16;
const DEFAULT_MESSAGES = 7;

const compressions = ['none', 'zlib', 'zstd', 'lzo', 'snappy'] as const;

export const dump: Command = {
  usage: 'vmcore dump [OPTION]... VMCORE DUMPFILE',
  about: `Writes a dump without the pages that nobody will look at, for crash, drgn and libkdumpfile.
Options are spelled as makedumpfile spells them; the last of several wins.`,
  options: [
    {
      name: 'dump-level',
      short: 'd',
      value: 'LEVEL',
      help: 'leave out pages: the sum of 1 (only zeros), 2 (page cache without private\ndata), 4 (all page cache), 8 (user data), 16 (free); default 31',
    },
    {
      name: 'exclude',
      value: 'CLASSES',
      help: 'the same by name: zero, cache, cache-private (all page cache), user, free,\nwith commas between; none keeps them all',
    },
    { name: 'zlib', short: 'c', help: 'compress with zlib' },
    { name: 'zstd', short: 'z', help: 'compress with zstd; the default where there is zstd' },
    { name: 'lzo', short: 'l', help: 'compress with lzo' },
    { name: 'snappy', short: 'p', help: 'compress with snappy' },
    { name: 'compression', value: 'NAME', help: `the same by name: ${compressions.join(', ')}` },
    { name: 'force', short: 'f', help: 'replace DUMPFILE, once the new dump is complete' },
    { name: 'strict', help: 'fail at the first page that cannot be read' },
    {
      name: 'message-level',
      value: 'N',
      help: `what to say, a sum: ${PROGRESS} (progress), ${COMMON} (what became of it), ${REPORT} (statistics);\ndefault ${DEFAULT_MESSAGES}; 4 and 8 are accepted, and errors are always said`,
    },
    { name: 'show-stats', help: 'print statistics at the end' },
    { name: 'num-threads', value: 'N', help: 'accepted; the dump is the same for any number' },
    { name: 'non-mmap', help: 'read the core instead of mapping it' },
  ],
  examples: [
    ['vmcore dump -z -d 31 /proc/vmcore /var/crash/vmcore.kdump', 'the smallest dump'],
    ['vmcore dump -c -d 17 core core.kdump', 'keep page cache and user data'],
    ['vmcore dump --json --message-level 0 core core.kdump', 'for scripts'],
  ],
  positionals: ['VMCORE', 'DUMPFILE'],

  async run(args, { signal, output }) {
    const [source, target] = args.positionals as [string, string];
    const level = chooseLevel(args);
    const compression = chooseCompression(args);
    const messages =
      (args.integer('message-level', 0, 31) ?? DEFAULT_MESSAGES) | (args.has('show-stats') ? REPORT : 0);
    args.integer('num-threads', 0, 1024);
    const progress = new ProgressLine(process.stderr);
    await using core = await openVmcore(source, { signal, access: args.has('non-mmap') ? 'read' : 'auto' });
    try {
      const report = await core.dump(target, {
        level,
        compression,
        signal,
        force: args.has('force'),
        strict: args.has('strict'),
        onProgress: messages & PROGRESS ? (now) => progress.update(now) : undefined,
        onIncomplete(file) {
          progress.end();
          output.note(`vmcore: ${file} is incomplete, and marked so`);
        },
      });
      progress.end();
      if (output.json) await output.printJson(report);
      else await output.print(describe(report, messages));
      for (const warning of report.warnings) output.note(`vmcore: warning: ${warning}`);
      if (!report.complete) throw new Error(incompleteness(report));
    } finally {
      progress.end();
    }
  },
};

function chooseLevel(args: Arguments): DumpLevel | undefined {
  if (args.last('dump-level', 'exclude') !== 'exclude') return args.integer('dump-level', 0, 31);
  const names = args.value('exclude')!.split(',');
  if (names.length === 1 && names[0] === 'none') return 0;
  return names.map((name) => {
    const known = LEVEL_CLASSES.find((pageClass) => kebabCase(pageClass) === name);
    if (known) return known;
    throw new UsageError(`--exclude takes ${LEVEL_CLASSES.map(kebabCase).join(', ')} or none, not '${name}'`);
  });
}

/** `cachePrivate` as command lines spell it. */
function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function chooseCompression(args: Arguments) {
  const option = args.last('zlib', 'zstd', 'lzo', 'snappy', 'compression');
  const name = option === 'compression' ? args.value('compression') : option;
  if (name === undefined) return undefined;
  const known = compressions.find((compression) => compression === name);
  if (!known) throw new UsageError(`--compression is one of ${compressions.join(', ')}, not '${name}'`);
  return known;
}

function incompleteness({ file, unreadablePages, unreadable }: DumpReport): string {
  const first = unreadable[0];
  const reason = first ? ` (the first is ${first.pfn}: ${first.error.message})` : '';
  return `${formatCount(unreadablePages)} pages could not be read${reason}: ${file} is marked incomplete, and can be analysed without them`;
}

function describe(report: DumpReport, messages: number): string {
  const parts = [];
  if (messages & REPORT) parts.push(statistics(report));
  if (messages & COMMON) parts.push(`${report.file}: ${formatBytes(report.bytes)}, ${summary(report)}\n`);
  return parts.join('\n');
}

function summary({ original, written, level, compression, phases }: DumpReport): string {
  const seconds = phases.reduce((sum, { duration }) => sum + duration, 0) / 1e9;
  const pages = `${formatCount(written)} of ${formatCount(original)} pages`;
  return `${pages}, level ${level}, ${compression === 'none' ? 'not compressed' : compression}, ${formatDuration(seconds)}`;
}

function statistics(report: DumpReport): string {
  const { excluded } = report;
  const pages = formatRows([
    ['Pages in the core', formatCount(report.original)],
    ['  without data', formatCount(report.absent)],
    ['Page cache', formatCount(excluded.cache)],
    ['Private page cache', formatCount(excluded.cachePrivate)],
    ['User data pages', formatCount(excluded.user)],
    ['Free pages', formatCount(excluded.free)],
    ['Poisoned pages', formatCount(excluded.hwpoison)],
    ['Offline pages', formatCount(excluded.offline)],
    ['Kept', formatCount(report.written)],
    ['  only zeros', formatCount(report.zero)],
  ]);
  const phases = report.phases.map((phase) => [`Time to ${phase.phase}`, describePhase(phase)] as const);
  return `${pages}\n${formatRows(phases)}`;
}

function describePhase({ duration, calls, predicted }: PhaseReport): string {
  const maps = `${formatCount(calls.maps)} maps of ${formatBytes(calls.mapBytes)}`;
  const reads = `${formatCount(calls.preads)} reads of ${formatBytes(calls.preadBytes)}`;
  const plan = predicted
    ? ` (planned: ${formatCount(predicted.maps)} and ${formatCount(predicted.preads)})`
    : '';
  return `${formatDuration(duration / 1e9)}; ${maps}, ${reads}${plan}`;
}
