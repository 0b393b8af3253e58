import { readFile } from 'node:fs/promises';
import { identifyVmlinux, makeVmcoreinfo, type OpenOptions, openVmcore, type Vmcore } from '../index.ts';
import { type Arguments, type Option, UsageError } from './args.ts';

/** Of what tells of the kernel, beside the core itself. */
export const vmlinuxOption: Option = {
  name: 'vmlinux',
  short: 'x',
  value: 'VMLINUX',
  help: 'the kernel with debug information, to make VMCOREINFO of where VMCORE has none',
};

/** The options of commands that need to know the kernel. */
export const kernelOptions: readonly Option[] = [
  {
    name: 'vmcoreinfo',
    short: 'i',
    value: 'FILE',
    help: 'the text of VMCOREINFO, where VMCORE has none, or instead of what it has',
  },
  vmlinuxOption,
];

/** makedumpfile's exit status for what belongs to another kernel. */
const WRONG_KERNEL = 2;

/**
 * Opens VMCORE, the first argument. @throws UsageError when --vmcoreinfo or --vmlinux is that of another kernel, or when
 * there are both.
 */
export async function openCore(args: Arguments, options: OpenOptions): Promise<Vmcore> {
  checkKernelOptions(args);
  const [path, file, vmlinux] = [args.positionals[0]!, args.value('vmcoreinfo'), args.value('vmlinux')];
  if (file !== undefined) return openWith(path, file, await readFile(file, 'utf8'), options);
  const core = await openVmcore(path, options);
  if (vmlinux === undefined) return core;
  try {
    if (core.hasVmcoreinfo) {
      await checkVmlinux(core, vmlinux);
      return core;
    }
  } catch (error) {
    await core.close();
    throw error;
  }
  await core.close();
  const { text } = await makeVmcoreinfo(vmlinux, { signal: options.signal });
  return openWith(path, vmlinux, text, options);
}

/** @throws UsageError when two tell of the kernel. */
export function checkKernelOptions(args: Arguments): void {
  if (args.has('vmlinux') && args.has('vmcoreinfo')) throw new UsageError('either -x or -i, not both');
}

/** Opens a core with a text of VMCOREINFO that is from `file`. */
async function openWith(path: string, file: string, text: string, options: OpenOptions): Promise<Vmcore> {
  const core = await openVmcore(path, { ...options, vmcoreinfo: text });
  try {
    checkKernel(core, file);
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

/** The core's own VMCOREINFO is better than what a vmlinux tells: that must only be of the same kernel. */
async function checkVmlinux(core: Vmcore, vmlinux: string): Promise<void> {
  const { osrelease, buildId } = await identifyVmlinux(vmlinux);
  const own = core.vmcoreinfo;
  if (osrelease !== own.osrelease) {
    const message = `${vmlinux} is of kernel ${osrelease}: this is the memory of ${own.osrelease}`;
    throw new UsageError(message, WRONG_KERNEL);
  }
  if (buildId === undefined || own.buildId === undefined || buildId === own.buildId) return;
  throw new UsageError(
    `${vmlinux} is another build of kernel ${osrelease} than this is the memory of`,
    WRONG_KERNEL,
  );
}
