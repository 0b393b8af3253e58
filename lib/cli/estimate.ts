import type { SizeEstimate } from '../index.ts';
import type { Command } from './command.ts';
import { compressionName, dumpLevels } from './dump-arguments.ts';
import { formatBytes, formatCount } from './format.ts';
import { kernelOptions, openCore } from './open-core.ts';
import { ProgressLine } from './progress.ts';

export const estimate: Command = {
  usage: 'vmcore estimate [OPTION]... VMCORE',
  about: `Tells how large dumps of each level with each compression would be, from a sample of the pages. Nothing is written.
In 19 of 20 cases all sizes lie within their intervals; 'vmcore dump --dry-run' reads all pages and tells one exactly.`,
  options: [
    {
      name: 'dump-level',
      short: 'd',
      value: 'LEVEL,...',
      help: 'levels, as vmcore dump has them, with commas between; default 0,1,31',
    },
    {
      name: 'exclude',
      value: 'CLASSES',
      help: 'one level by the names of its classes, as vmcore dump has them',
    },
    {
      name: 'compression',
      value: 'NAME,...',
      help: 'none, zlib, zstd, lzo, snappy, with commas between; default: all there are',
    },
    { name: 'compression-level', value: 'N', help: 'how hard they try, as vmcore dump has it; default 1' },
    {
      name: 'precision',
      value: 'PERCENT',
      help: 'read more pages until no interval is wider than so much to either side; default 5',
    },
    ...kernelOptions,
  ],
  examples: [
    ['vmcore estimate /proc/vmcore', 'which level and compression fit the disk'],
    ['vmcore estimate -d 31 --compression zstd,lzo core', 'zstd or lzo'],
    ["vmcore estimate --json core | jq '.sizes[] | [.level, .compression, .high]'", 'for scripts'],
  ],
  positionals: ['VMCORE'],

  async run(args, { signal, output }) {
    const options = {
      levels: dumpLevels(args),
      compressions: args.value('compression')?.split(',').map(compressionName),
      compressionLevel: args.integer('compression-level', 1, 22),
      precision: (args.integer('precision', 1, 100) ?? 5) / 100,
    };
    const progress = new ProgressLine(process.stderr);
    await using core = await openCore(args, { signal });
    try {
      const report = await core.estimate({ ...options, signal, onProgress: (now) => progress.update(now) });
      progress.end();
      if (output.json) await output.printJson(report);
      else await output.print(table(report.sizes));
      for (const warning of report.warnings) output.note(`vmcore: warning: ${warning}`);
    } finally {
      progress.end();
    }
  },
};

const HEADINGS = ['level', 'compression', 'size', 'between', 'pages', 'sampled'];

function table(sizes: readonly SizeEstimate[]): string {
  const rows = [HEADINGS, ...sizes.map(row)];
  const widths = HEADINGS.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
  return rows.map((cells) => `${alignRow(cells, widths)}\n`).join('');
}

function row({ level, compression, bytes, low, high, pages, sampledPages }: SizeEstimate): string[] {
  const between = low === high ? 'exact' : `${formatBytes(low)} and ${formatBytes(high)}`;
  return [
    String(level),
    compression,
    formatBytes(bytes),
    between,
    formatCount(pages),
    formatCount(sampledPages),
  ];
}

/** Texts to the left, numbers to the right. */
function alignRow(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, i) => (i === 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
}
