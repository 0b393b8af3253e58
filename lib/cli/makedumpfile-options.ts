import { type Arguments, type Option, UsageError } from './args.ts';
import { dump } from './dump.ts';
import { checkKernelOptions } from './open-core.ts';

/** Options that change nothing here. */
const ignored: readonly Option[] = [
  { name: 'cyclic-buffer', value: 'KIB', help: 'accepted: memory is bounded anyway' },
  { name: 'work-dir', value: 'DIR', help: 'accepted: there are no temporary files' },
  { name: 'cache-order', short: 'b', value: 'ORDER', help: 'accepted' },
  { name: 'debug', short: 'D', help: 'accepted' },
];

const XEN = 'cores of Xen are not read';
const ERASING = 'such files are not read; --scrub names what is to be overwritten';

/** Options for what is not done: what was written without it would not be what was asked for. */
const refused: readonly (Omit<Option, 'help'> & { readonly why: string })[] = [
  { name: 'config', value: 'FILE', why: ERASING },
  { name: 'eppic', value: 'FILE', why: ERASING },
  { name: 'extension', value: 'FILE', why: 'filters are functions here, `select` of core.dump()' },
  { name: 'exclude-vmemmap', short: 'e', why: 'the memory map is always kept' },
  { name: 'diskset', value: 'FILE', why: 'dumps of sadump are not read' },
  { name: 'exclude-domains', short: 'X', why: XEN },
  { name: 'xen-syms', value: 'FILE', why: XEN },
  { name: 'xen-vmcoreinfo', value: 'FILE', why: XEN },
  { name: 'xen_phys_start', value: 'ADDRESS', why: XEN },
];

/** What is not as `vmcore dump` has it. */
const otherHelp: Readonly<Record<string, string>> = {
  'dump-level':
    'leave out pages, the sum of what vmcore dump has; default 0.\n-d 1,31: when there is no room, the next',
  zstd: 'compress with zstd; with zlib where there is no zstd',
};

/** All of makedumpfile's, and those of `vmcore dump`, whose long names makedumpfile's short options have here. */
export const makedumpfileOptions: readonly Option[] = [
  ...dump.options.map((option) => ({ ...option, help: otherHelp[option.name] ?? option.help })),
  { name: 'rearrange', short: 'R', help: 'make a dump of its flattened form, from standard input' },
  { name: 'reassemble', help: 'make one dump of the files of a split set' },
  { name: 'dump-dmesg', help: 'write the kernel log' },
  {
    name: 'generate',
    short: 'g',
    value: 'FILE',
    help: 'make VMCOREINFO of VMLINUX (-x), for -i; FILE is replaced',
  },
  { name: 'partial-dmesg', help: 'only what was logged after the log was last cleared' },
  { name: 'mem-usage', help: 'print what the running kernel uses its memory for' },
  { name: 'check-params', help: 'only check the command line' },
  { name: 'vtop', value: 'ADDRESS', help: 'print where a virtual address leads, too' },
  { name: 'version', short: 'v', help: 'print the version' },
  ...ignored,
  ...refused.map(({ name, short, value }) => {
    return { name, ...(short && { short }), ...(value && { value }), help: 'not done here: an error' };
  }),
];

/** @throws UsageError for an option that is not done here, and for two that tell the same. */
export function refuseOptions(args: Arguments): void {
  const option = refused.find(({ name }) => args.has(name));
  if (option) throw new UsageError(`${spelling(option)} is not done: ${option.why}`);
  checkKernelOptions(args);
}

/** What is done by an option of this name, instead of creating one dump. */
const special = ['rearrange', 'reassemble', 'dump-dmesg', 'mem-usage', 'generate', 'split'] as const;
export type Mode = 'create' | (typeof special)[number];

const ofPages = ['zlib', 'lzo', 'snappy', 'zstd', 'elf', 'flatten', 'vmcoreinfo'];
const ofDumps = ['dump-level', ...ofPages];
/** Options that mean nothing in a mode, and that makedumpfile refuses, too. */
const misplaced: Record<Mode, readonly string[]> = {
  create: ['partial-dmesg'],
  split: ['partial-dmesg', 'flatten', 'elf'],
  rearrange: ['partial-dmesg', ...ofDumps],
  reassemble: ['partial-dmesg', ...ofDumps, 'dry-run'],
  'dump-dmesg': ['flatten', 'dry-run'],
  'mem-usage': ['partial-dmesg'],
  generate: [...ofPages, 'dry-run'],
};

/** The file names of a mode; the last of a set stands for more. */
const files: Record<Mode, readonly string[]> = {
  create: ['VMCORE', 'DUMPFILE'],
  split: ['VMCORE', 'DUMPFILE', 'DUMPFILE'],
  rearrange: ['DUMPFILE'],
  reassemble: ['DUMPFILE', 'DUMPFILE', 'DUMPFILE'],
  'dump-dmesg': ['VMCORE', 'LOGFILE'],
  'mem-usage': ['KCORE'],
  generate: [],
};

/** @throws UsageError when it asks for two, or for what does not go with the mode. */
export function chooseMode(args: Arguments): Mode {
  const [first, second] = special.filter((name) => args.has(name));
  const mode = first ?? 'create';
  const other = second ?? misplaced[mode].find((name) => args.has(name));
  if (other === undefined) return mode;
  throw new UsageError(`${spellingOf(other)} does not go with ${first ? spellingOf(first) : 'a dump'}`);
}

/** @throws UsageError when the file names are not those of the mode. */
export function checkFiles(args: Arguments, mode: Mode): void {
  const names = mode === 'create' && args.has('flatten') ? ['VMCORE'] : files[mode];
  const isSet = mode === 'split' || mode === 'reassemble';
  const given = args.positionals.length;
  if (given === names.length || (given > names.length && isSet)) return;
  throw new UsageError(
    `it takes ${names.join(' ') || 'no file names'}${isSet ? '...' : ''}, and not ${given}`,
  );
}

/** @throws UsageError when there is nothing to make VMCOREINFO of, or pages are left out of it. */
export function checkGenerate(args: Arguments): void {
  if (!args.has('vmlinux'))
    throw new UsageError('-g takes the kernel with debug information, too: -x VMLINUX');
  const level = args.value('dump-level');
  if (level !== undefined && Number(level) !== 0) throw new UsageError('-d does not go with -g');
}

function spellingOf(name: string): string {
  return spelling(makedumpfileOptions.find((option) => option.name === name) ?? { name });
}

/** As makedumpfile's manual spells it. */
function spelling({ name, short }: { readonly name: string; readonly short?: string }): string {
  return short ? `-${short}` : `--${name}`;
}
