import { readFile } from 'node:fs/promises';
import { type OpenOptions, openVmcore, type Vmcore } from '../index.ts';
import { type Arguments, type Option, UsageError } from './args.ts';

/** The option of commands that need to know the kernel. */
export const vmcoreinfoOption: Option = {
  name: 'vmcoreinfo',
  short: 'i',
  value: 'FILE',
  help: 'the text of VMCOREINFO, where VMCORE has none, or instead of what it has',
};

/** makedumpfile's exit status for what belongs to another kernel. */
const WRONG_KERNEL = 2;

/** Opens VMCORE, the first argument. @throws UsageError when --vmcoreinfo is that of another kernel. */
export async function openCore(args: Arguments, options: OpenOptions): Promise<Vmcore> {
  const file = args.value('vmcoreinfo');
  const vmcoreinfo = file === undefined ? undefined : await readFile(file, 'utf8');
  const core = await openVmcore(args.positionals[0]!, { ...options, vmcoreinfo });
  try {
    if (file !== undefined) checkKernel(core, file);
    return core;
  } catch (error) {
    await core.close();
    throw error;
  }
}

function checkKernel(core: Vmcore, file: string): void {
  const { osrelease } = core.vmcoreinfo;
  const release = releaseInMemory(core);
  if (osrelease === release) return;
  const found =
    release === undefined ? 'no such kernel is in this memory' : `this is the memory of ${release}`;
  throw new UsageError(`${file} is of kernel ${osrelease}: ${found}`, WRONG_KERNEL);
}

/** What the kernel itself says it is; undefined where the addresses in VMCOREINFO lead nowhere. */
function releaseInMemory(core: Vmcore): string | undefined {
  try {
    return core.utsname?.release;
  } catch {
    return undefined;
  }
}
