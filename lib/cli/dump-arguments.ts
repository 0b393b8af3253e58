import type { DumpLevel, DumpOptions, DumpTarget } from '../index.ts';
import { LEVEL_CLASSES } from '../index.ts';
import { type Arguments, type Option, UsageError } from './args.ts';
import { scrubTarget } from './scrub-argument.ts';
import { stdoutStream } from './stdout-stream.ts';

const compressions = ['none', 'zlib', 'zstd', 'lzo', 'snappy'] as const;

/** The options of `vmcore dump` that say what is written. */
export const outputOptions: readonly Option[] = [
  {
    name: 'dump-level',
    short: 'd',
    value: 'LEVEL',
    help: 'leave out pages: the sum of 1 (only zeros), 2 (page cache without private\ndata), 4 (all page cache), 8 (user data), 16 (free); default 31.\n-d 1,31: when there is no room for a dump of the first level, the next',
  },
  {
    name: 'exclude',
    value: 'CLASSES',
    help: 'the same by name: zero, cache, cache-private (all page cache), user, free,\nwith commas between; none keeps them all',
  },
  {
    name: 'scrub',
    value: 'WHAT',
    help: 'overwrite with X: SYMBOL[+OFFSET][:SIZE], VADDR:SIZE or phys:PADDR:SIZE, with\n:nullify behind it with zeros; may be given several times. The dump tells what it was',
  },
  { name: 'zlib', short: 'c', help: 'compress with zlib' },
  { name: 'zstd', short: 'z', help: 'compress with zstd; the default where there is zstd' },
  { name: 'lzo', short: 'l', help: 'compress with lzo' },
  { name: 'snappy', short: 'p', help: 'compress with snappy' },
  { name: 'compression', value: 'NAME', help: `the same by name: ${compressions.join(', ')}` },
  { name: 'compression-level', value: 'N', help: 'how hard zlib (1 to 9) and zstd (1 to 22) try; default 1' },
  { name: 'elf', short: 'E', help: 'write an ELF core, which is not compressed' },
  {
    name: 'flatten',
    short: 'F',
    help: 'write the flattened form; without DUMPFILE, or with -, to standard output',
  },
  { name: 'split', help: 'write a set of as many files as are named, all at the same time' },
  {
    name: 'splitblock-size',
    value: 'KIB',
    help: 'files of a set begin at multiples of so many KiB of memory',
  },
  {
    name: 'size-limit',
    short: 'L',
    value: 'SIZE',
    help: 'no file becomes larger, in bytes, or in K, M, G, T, P or E',
  },
  { name: 'dry-run', help: 'write nothing, and tell how large the dump would be' },
  { name: 'force', short: 'f', help: 'replace DUMPFILE, once the new dump is complete' },
  { name: 'strict', help: 'fail at the first page that cannot be read' },
];

/** What is to be written, and how. @throws UsageError. */
export function dumpArguments(args: Arguments): DumpOptions {
  const isElf = args.has('elf');
  const compression = chooseCompression(args);
  if (isElf && compression !== undefined && compression !== 'none') {
    throw new UsageError(`an ELF core is not compressed: either --elf or ${compression}`);
  }
  const splitBlock = args.integer('splitblock-size', 1, 2 ** 40);
  return {
    ...chooseLevels(args),
    format: isElf ? 'elf' : 'kdump',
    scrub: args.values('scrub').map(scrubTarget),
    compression,
    compressionLevel: args.integer('compression-level', 1, 22),
    flattened: args.has('flatten'),
    splitBlockBytes: splitBlock && splitBlock * 1024,
    maxBytes: args.bytes('size-limit'),
    dryRun: args.has('dry-run'),
    force: args.has('force'),
    strict: args.has('strict'),
  };
}

/** Where the dump goes, by the arguments behind VMCORE; with `-` to standard output. @throws UsageError. */
export function dumpTarget(args: Arguments): DumpTarget {
  const [, ...files] = args.positionals;
  if (args.has('split')) return splitTarget(args, files);
  const [file, another] = files;
  if (another !== undefined) throw new UsageError(`'${another}' is one argument too many without --split`);
  if (file === '-' || (file === undefined && args.has('flatten'))) return stdoutStream();
  if (file === undefined)
    throw new UsageError('DUMPFILE is missing: vmcore dump [OPTION]... VMCORE DUMPFILE');
  return file;
}

function splitTarget(args: Arguments, files: readonly string[]): readonly string[] {
  if (args.has('flatten') || args.has('elf'))
    throw new UsageError('--split goes neither with --flatten nor --elf');
  if (files.length < 2 || files.includes('-'))
    throw new UsageError('--split needs the names of at least two files');
  return files;
}

function chooseLevels(args: Arguments): Pick<DumpOptions, 'level' | 'levels'> {
  const levels = dumpLevels(args);
  return levels?.length === 1 ? { level: levels[0] } : { levels };
}

/** What --dump-level or --exclude says, whichever comes last. @throws UsageError. */
export function dumpLevels(args: Arguments): DumpLevel[] | undefined {
  if (args.last('dump-level', 'exclude') === 'exclude') return [namedLevel(args.value('exclude')!)];
  const text = args.value('dump-level');
  return text?.split(',').map((one) => {
    if (/^\d+$/.test(one) && Number(one) <= 31) return Number(one);
    throw new UsageError(`--dump-level is a number from 0 to 31, or some with commas between, not '${text}'`);
  });
}

function namedLevel(text: string): DumpLevel {
  const names = text.split(',');
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
  return compressionName(name);
}

/** @throws UsageError for a name that is none. */
export function compressionName(name: string): (typeof compressions)[number] {
  const known = compressions.find((compression) => compression === name);
  if (!known) throw new UsageError(`--compression is one of ${compressions.join(', ')}, not '${name}'`);
  return known;
}
