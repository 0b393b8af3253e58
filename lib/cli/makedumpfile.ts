import { codecs, formatRecord, makeVmcoreinfo } from '../index.ts';
import { type Arguments, UsageError } from './args.ts';
import type { Command, Context } from './command.ts';
import { dump, runArguments } from './dump.ts';
import { dumpArguments } from './dump-arguments.ts';
import {
  checkFiles,
  checkGenerate,
  chooseMode,
  type Mode,
  makedumpfileOptions,
  refuseOptions,
} from './makedumpfile-options.ts';
import { memUsage } from './mem-usage.ts';
import { openCore } from './open-core.ts';
import { reassembleCommand } from './reassemble.ts';
import { saveText } from './save-text.ts';
import { unflattenCommand } from './unflatten.ts';
import { version } from './version.ts';
import { formatWalk, parseAddress } from './walk-text.ts';

export const makedumpfile: Command = {
  usage: `vmcore-makedumpfile [OPTION]... VMCORE DUMPFILE
       vmcore-makedumpfile -F [OPTION]... VMCORE
       vmcore-makedumpfile -R [OPTION]... DUMPFILE
       vmcore-makedumpfile --split [OPTION]... VMCORE DUMPFILE DUMPFILE...
       vmcore-makedumpfile --reassemble [OPTION]... DUMPFILE DUMPFILE... DUMPFILE
       vmcore-makedumpfile --dump-dmesg [OPTION]... VMCORE LOGFILE
       vmcore-makedumpfile --mem-usage /proc/kcore
       vmcore-makedumpfile -g FILE -x VMLINUX`,
  about: `For scripts that run makedumpfile: takes its command lines, with its defaults (without -d nothing is left out, without -c,
-l, -p or -z nothing compressed) and its exit status. It is the same as 'vmcore makedumpfile'.`,
  options: makedumpfileOptions,
  examples: [
    ['vmcore-makedumpfile -l --message-level 7 -d 31 /proc/vmcore vmcore', 'as kdump-utils runs it'],
    ['vmcore-makedumpfile -F -c -d 31 /proc/vmcore | ssh host makedumpfile -R vmcore', 'over the network'],
    ['vmcore-makedumpfile --dump-dmesg /proc/vmcore dmesg.txt', 'the kernel log'],
  ],
  positionals: [],
  takesMore: true,
  usageStatus: 1,
  failures: [
    'it failed, or the command line is wrong; standard error says why',
    'VMCOREINFO (-i) or VMLINUX (-x) is that of another kernel',
  ],

  async run(args, context) {
    if (args.has('version')) return context.output.print(`vmcore ${version()}\n`);
    refuseOptions(args);
    const mode = chooseMode(args);
    checkFiles(args, mode);
    if (mode === 'create' || mode === 'split') checkDump(args);
    if (mode === 'generate') checkGenerate(args);
    if (!args.has('check-params')) await modes[mode](args, context);
  },
};

const modes: Record<Mode, Command['run']> = {
  create,
  split: create,
  rearrange: (args, context) => unflattenCommand.run(args.replaceFiles('-', ...args.positionals), context),
  reassemble: (args, context) => reassembleCommand.run(args, context),
  'dump-dmesg': dumpDmesg,
  'mem-usage': (args, context) => memUsage.run(args, context),
  generate,
};

/** Finds what is wrong with a command line before anything is done. @throws UsageError. */
function checkDump(args: Arguments): void {
  dumpArguments(args);
  runArguments(args);
  vtopAddress(args);
}

async function create(args: Arguments, context: Context): Promise<void> {
  const asked = args.preceded(['dump-level', '0'], ['compression', 'none']);
  // A capture kernel has one chance: makedumpfile, too, goes on without a compression that it was built without.
  const isLost =
    asked.last('compression', 'zlib', 'zstd', 'lzo', 'snappy') === 'zstd' && !codecs().zstd.available;
  if (isLost) context.output.note('vmcore: warning: there is no zstd here: pages are compressed with zlib');
  await printVtop(asked, context);
  await dump.run(isLost ? asked.followed(['zlib', undefined]) : asked, context);
}

async function printVtop(args: Arguments, { signal, output }: Context): Promise<void> {
  const vaddr = vtopAddress(args);
  if (vaddr === undefined) return;
  output.isStdoutTaken = args.has('flatten');
  await using core = await openCore(args, { signal });
  await output.print(`\n${formatWalk(core.vtop(vaddr))}\n`);
}

function vtopAddress(args: Arguments): bigint | undefined {
  const text = args.value('vtop');
  const vaddr = text === undefined ? undefined : parseAddress(text);
  if (text === undefined || vaddr !== undefined) return vaddr;
  throw new UsageError(`--vtop is an address such as 0xffffffff81000000, not '${text}'`);
}

async function dumpDmesg(args: Arguments, { signal, output }: Context): Promise<void> {
  const [, file] = args.positionals as [string, string];
  await using core = await openCore(args, { signal, access: args.has('non-mmap') ? 'read' : 'auto' });
  const { records, lost } = core.kernelLog({ sinceClear: args.has('partial-dmesg') });
  const text = records.map((record) => `${formatRecord(record)}\n`).join('');
  await saveText(file, text, args.has('force'));
  if (lost > 0) output.note(`vmcore: warning: ${lost} messages are torn, overwritten or unreadable`);
}

/** FILE is replaced without -f, as makedumpfile does. */
async function generate(args: Arguments, { signal }: Context): Promise<void> {
  const { text } = await makeVmcoreinfo(args.value('vmlinux')!, { signal });
  await saveText(args.value('generate')!, text, true);
}
