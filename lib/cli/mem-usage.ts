import type { MemoryUsage } from '../index.ts';
import { UsageError } from './args.ts';
import type { Command } from './command.ts';
import { kernelOptions, openCore } from './open-core.ts';
import { ProgressLine } from './progress.ts';

const KCORE = '/proc/kcore';

export const memUsage: Command = {
  usage: 'vmcore mem-usage [OPTION]... [VMCORE]',
  about: `Tells what the running kernel uses its memory for (as root), or what the kernel of VMCORE did: how many pages a dump
would have of each kind, and which of them can be left out.`,
  options: kernelOptions,
  examples: [
    ['vmcore mem-usage', 'how much room a dump of this machine needs'],
    ["vmcore mem-usage --json | jq '.kernel * .pageSize'", 'in bytes, without compression, at level 31'],
    ['vmcore mem-usage core', 'of a machine that crashed'],
  ],
  positionals: [],
  takesMore: true,

  async run(args, { signal, output }) {
    const [file = KCORE, another] = args.positionals;
    if (another !== undefined) throw new UsageError(`'${another}' is one argument too many`);
    const progress = new ProgressLine(process.stderr);
    await using core = await openCore(args.replaceFiles(file), { signal });
    try {
      const usage = await core.memoryUsage({ signal, onProgress: (now) => progress.update(now) });
      progress.end();
      if (output.json) await output.printJson(usage);
      else await output.print(describe(usage));
    } finally {
      progress.end();
    }
  },
};

/** The table that `makedumpfile --mem-usage` prints, for scripts that read it. */
function describe(usage: MemoryUsage): string {
  const { pageSize, total, zero, cache, cachePrivate, user, free, kernel } = usage;
  const { hwpoison, offline, unreadable } = usage;
  const rows: [type: string, pages: number, excludable: string, description: string][] = [
    ['ZERO', zero, 'yes', 'only zeros'],
    ['NON_PRI_CACHE', cache, 'yes', 'page cache without private data'],
    ['PRI_CACHE', cachePrivate, 'yes', 'page cache with private data'],
    ['USER', user, 'yes', 'user data'],
    ['FREE', free, 'yes', 'free'],
    ['KERN_DATA', kernel, 'no', "the kernel's own: what a dump of level 31 has"],
  ];
  // What nearly no machine has.
  if (hwpoison > 0) rows.push(['HWPOISON', hwpoison, 'always', 'poisoned']);
  if (offline > 0) rows.push(['OFFLINE', offline, 'always', 'offline']);
  if (unreadable > 0) rows.push(['UNREADABLE', unreadable, 'always', 'could not be read']);
  const heading = columns('TYPE', 'PAGES', 'EXCLUDABLE', 'DESCRIPTION');
  const table = rows.map(([type, pages, ...rest]) => columns(type, String(pages), ...rest)).join('');
  return `\n${heading}${'-'.repeat(70)}\n${table}
page size:\t\t${pageSize}
Total pages on system:\t${total}
Total size on system:\t${total * pageSize}\tByte
`;
}

function columns(type: string, pages: string, excludable: string, description: string): string {
  return `${type.padEnd(16)}${pages.padEnd(24)}${excludable.padEnd(16)}${description}\n`;
}
