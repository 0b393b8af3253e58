import {
  type CoreDiff,
  type DifferentPages,
  openVmcore,
  PAGE_DIFFERENCES,
  type PageDifference,
} from '../index.ts';
import type { Command } from './command.ts';
import { formatCount, formatRows } from './format.ts';
import { ProgressLine } from './progress.ts';

/** Ranges that are shown; --json has up to 1000. */
const SHOWN = 20;

/** Those of diff and cmp. */
const STATUS = { equal: 0, different: 1, failed: 2 } as const;

const NAMES: Readonly<Record<PageDifference, string>> = {
  content: 'other bytes',
  excludedInA: 'left out in A',
  excludedInB: 'left out in B',
  onlyInA: 'only in A',
  onlyInB: 'only in B',
  unreadable: 'not readable',
};

export const diff: Command = {
  usage: 'vmcore diff [OPTION]... A B',
  about: `Compares the memory of two cores of any formats: which pages have other bytes, were left out in one of them or are only in
one, and what they are, as the kernel in the core that has them says.`,
  options: [
    { name: 'common', short: 'c', help: 'compare only pages of which both have data' },
    {
      name: 'ranges',
      short: 'n',
      value: 'N',
      help: `list up to N ranges of pages; default ${SHOWN}, with --json 1000`,
    },
    { name: 'quiet', short: 'q', help: 'say nothing: the exit status tells' },
    {
      name: 'member-of-a',
      short: 'a',
      value: 'FILE',
      help: 'another member of the split set that A is of; repeatable',
    },
    { name: 'member-of-b', short: 'b', value: 'FILE', help: 'the same for B' },
  ],
  examples: [
    ['vmcore diff --common core.elf vmcore.kdump', 'whether a filtered dump has what the core has'],
    ['vmcore diff -b vmcore.2 -b vmcore.3 core.elf vmcore.1', 'a core with a split set of it'],
    ['vmcore diff --json old new | jq .counts.content.classes', 'what changed, by class'],
  ],
  positionals: ['A', 'B'],
  failures: ['they differ', 'it failed, or the command line is wrong; standard error says why'],

  async run(args, { signal, output }) {
    output.failureStatus = STATUS.failed;
    const [a, b] = args.positionals as [string, string];
    const isQuiet = args.has('quiet');
    const progress = new ProgressLine(process.stderr);
    const options = {
      common: args.has('common'),
      ranges: args.integer('ranges', 0, 1e9) ?? (output.json ? undefined : SHOWN),
      onProgress: isQuiet ? undefined : progress.update.bind(progress),
      signal,
    };
    await using coreA = await openVmcore([a, ...args.values('member-of-a')], { signal });
    await using coreB = await openVmcore([b, ...args.values('member-of-b')], { signal });
    try {
      const found = await coreA.diff(coreB, options);
      progress.end();
      output.status = found.equal ? STATUS.equal : STATUS.different;
      if (output.json) await output.printJson({ a, b, ...found });
      else if (!isQuiet) await output.print(describe(found));
    } finally {
      progress.end();
    }
  },
};

function describe({ equal, compared, same, counts, ranges, rangeCount, classProblem }: CoreDiff): string {
  const rows = PAGE_DIFFERENCES.map((name) => {
    const { pages, classes } = counts[name];
    const known = Object.entries(classes).filter(([, count]) => count > 0);
    const text = known.map(([of, count]) => `${formatCount(count)} ${of}`).join(', ');
    return [NAMES[name], pages === 0 ? undefined : `${formatCount(pages)} pages: ${text}`] as const;
  });
  const more = rangeCount - ranges.length;
  return [
    equal ? 'no page differs\n' : '',
    formatRows([
      ['the same', `${formatCount(same)} of ${formatCount(compared)} pages that both have`],
      ...rows,
    ]),
    !equal && classProblem ? `classes of pages are not all known: ${classProblem}\n` : '',
    ...ranges.map((range) => `  ${describeRange(range)}\n`),
    more > 0 && ranges.length > 0 ? `  and ${formatCount(more)} ranges more\n` : '',
  ].join('');
}

function describeRange({ pfn, count, difference, class: name }: DifferentPages): string {
  const where = count === 1 ? `pfn ${pfn}` : `pfn ${pfn} to ${pfn + count - 1}`;
  return `${where}: ${NAMES[difference]} (${name})`;
}
