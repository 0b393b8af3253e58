import type { Vmcore } from '../index.ts';
import { type Arguments, UsageError } from './args.ts';
import type { Command } from './command.ts';
import { openCore } from './open-core.ts';
import { saveText } from './save-text.ts';

export const vmcoreinfo: Command = {
  usage: 'vmcore vmcoreinfo [OPTION]... VMCORE [FILE]',
  about: `Prints VMCOREINFO, what a kernel tells of itself for tools like this, or writes it to a new FILE: for -i. That of a
running kernel (/proc/kcore) serves for cores of the same boot.`,
  options: [
    { name: 'search', help: 'look for it in memory, where the note is lost: the likeliest is taken' },
    { name: 'force', short: 'f', help: 'replace FILE' },
  ],
  examples: [
    ['vmcore vmcoreinfo /proc/kcore /var/crash/vmcoreinfo', 'before anything has crashed, as root'],
    [
      'vmcore vmcoreinfo --search core info && vmcore dump -i info core dump',
      'a core that a hypervisor saved',
    ],
  ],
  positionals: ['VMCORE'],
  takesMore: true,

  async run(args, { signal, output }) {
    const [, file, another] = args.positionals;
    if (another !== undefined) throw new UsageError(`'${another}' is one argument too many`);
    await using core = await openCore(args, { signal });
    const text = await textOf(core, args, signal);
    if (file !== undefined) await saveText(file, text, args.has('force'));
    if (output.json) await output.printJson({ file, text });
    else if (file === undefined) await output.print(text);
  },
};

async function textOf(core: Vmcore, args: Arguments, signal: AbortSignal): Promise<string> {
  if (!args.has('search')) return core.vmcoreinfo.text;
  const [best] = await core.findVmcoreinfo({ signal });
  if (best) return best.text;
  throw new Error(`${core.file}: there is no VMCOREINFO in its memory`);
}
