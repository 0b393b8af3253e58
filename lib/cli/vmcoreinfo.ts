import { makeVmcoreinfo } from '../index.ts';
import { type Arguments, UsageError } from './args.ts';
import type { Command } from './command.ts';
import { openCore, vmlinuxOption } from './open-core.ts';
import { saveText } from './save-text.ts';

export const vmcoreinfo: Command = {
  usage:
    'vmcore vmcoreinfo [OPTION]... VMCORE [FILE]\n       vmcore vmcoreinfo [OPTION]... --vmlinux VMLINUX [FILE]',
  about: `Prints VMCOREINFO, what a kernel tells of itself for tools like this, or writes it to a new FILE: for -i. That of a
running kernel (/proc/kcore) serves for cores of the same boot, what is made of a vmlinux for all cores of this kernel.`,
  options: [
    { name: 'search', help: 'look for it in memory, where the note is lost: the likeliest is taken' },
    { ...vmlinuxOption, help: 'make it of the kernel with debug information' },
    { name: 'force', short: 'f', help: 'replace FILE' },
  ],
  examples: [
    ['vmcore vmcoreinfo /proc/kcore /var/crash/vmcoreinfo', 'before anything has crashed, as root'],
    [
      'vmcore vmcoreinfo --search core info && vmcore dump -i info core dump',
      'a core that a hypervisor saved',
    ],
    [
      'vmcore vmcoreinfo --vmlinux /usr/lib/debug/boot/vmlinux-6.1.0-30-amd64 info',
      'of a kernel, for all its cores that have none',
    ],
  ],
  positionals: [],
  takesMore: true,

  async run(args, { signal, output }) {
    const vmlinux = args.value('vmlinux');
    const [source, file, another] = vmlinux === undefined ? args.positionals : [vmlinux, ...args.positionals];
    if (source === undefined) throw new UsageError('VMCORE is missing, or --vmlinux VMLINUX');
    if (another !== undefined) throw new UsageError(`'${another}' is one argument too many`);
    if (vmlinux !== undefined && args.has('search'))
      throw new UsageError('--search looks in a core, not in VMLINUX');
    const text =
      vmlinux === undefined
        ? await textOfCore(args, signal)
        : (await makeVmcoreinfo(vmlinux, { signal })).text;
    if (file !== undefined) await saveText(file, text, args.has('force'));
    if (output.json) await output.printJson({ file, text });
    else if (file === undefined) await output.print(text);
  },
};

async function textOfCore(args: Arguments, signal: AbortSignal): Promise<string> {
  await using core = await openCore(args, { signal });
  if (!args.has('search')) return core.vmcoreinfo.text;
  const [best] = await core.findVmcoreinfo({ signal });
  if (best) return best.text;
  throw new Error(`${core.file}: there is no VMCOREINFO in its memory`);
}
