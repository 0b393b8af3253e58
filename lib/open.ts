import { checkBudget, type MemoryOptions } from './access/memory-budget.ts';
import { type CoreSource, plainSource } from './access/open-source.ts';
import { type AccessOptions, checkAccessOptions } from './access/profile.ts';
import { architectureOf } from './arch/registry.ts';
import { argumentError, VmcoreError } from './errors.ts';
import type { OpenedCore } from './formats/core-file.ts';
import { findVmcoreinfo } from './formats/notes.ts';
import { openCore } from './formats/open-core.ts';
import { addLowcoreNote } from './formats/s390-lowcore.ts';
import { vmcoreinfoOfRun } from './kernel/run-vmcoreinfo.ts';
import { readVmcoreinfo } from './kernel/vmcoreinfo.ts';
import { coreProfiles } from './memory/core-profile.ts';
import { PhysicalMemory } from './memory/physical.ts';
import { Vmcore } from './vmcore.ts';

/** How a core is opened. */
export interface OpenOptions extends AccessOptions, MemoryOptions {
  /**
   * What pages that were left out when the dump was written read as: an `error` (ERR_VMCORE_EXCLUDED; the default for
   * kdump-compressed dumps) or `zeros` (the default for ELF cores, in which memory without data may also be memory that
   * was never there). With `zeros`, pages that an incomplete dump has lost are zeros too, in dumps of it as well.
   */
  readonly excluded?: 'error' | 'zeros' | undefined;
  /** Open a flattened, LiME or stand-alone dump that was cut off, for what is there. Default: ERR_VMCORE_TRUNCATED. */
  readonly allowTruncated?: boolean | undefined;
  /**
   * The text of VMCOREINFO, where the core has none, or instead of what it has. {@link Vmcore.findVmcoreinfo} finds it, and
   * {@link makeVmcoreinfo} makes it of a vmlinux: such a text, which has no KERNELOFFSET, is completed by what the core
   * has, or by where the kernel is found in memory (x86_64; s390x since Linux 6.10).
   */
  readonly vmcoreinfo?: string | undefined;
  /** The text of /proc/iomem, which tells what of /proc/kcore is memory. Default: that of this machine. */
  readonly iomem?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a core: finds out by its content what it is and reads its headers, notes and VMCOREINFO. The members of a split
 * set are opened together, in any order.
 *
 * @throws VmcoreError ERR_VMCORE_OPEN (no such file, no permission, a directory), ERR_VMCORE_FORMAT (not a core),
 *   ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, ERR_VMCORE_IO, ERR_VMCORE_ADDON (it can't be loaded), ERR_VMCORE_ARGUMENT
 *   (also for a memory budget that is too small, with the least that works); the signal's reason.
 */
export async function openVmcore(
  source: CoreSource | readonly CoreSource[],
  options: OpenOptions = {},
): Promise<Vmcore> {
  const { access, excluded, allowTruncated, vmcoreinfo, iomem, pageTableBudget, memoryBudget, signal } =
    options;
  signal?.throwIfAborted();
  checkAccessOptions(options);
  const sparing = checkBudget(memoryBudget) !== undefined;
  if (excluded !== undefined && excluded !== 'error' && excluded !== 'zeros') {
    throw argumentError(`excluded is 'error' or 'zeros', not ${String(excluded)}`);
  }
  if (vmcoreinfo !== undefined && typeof vmcoreinfo !== 'string') {
    throw argumentError(`vmcoreinfo is a text, not ${typeof vmcoreinfo}`);
  }
  if (iomem !== undefined && typeof iomem !== 'string')
    throw argumentError(`iomem is a text, not ${typeof iomem}`);
  const sources = (isList(source) ? source : [source]).map(plainSource);
  if (sources.length === 0) throw argumentError('there is no file to open');
  const recipe = { sources, access, excluded, allowTruncated, vmcoreinfo, iomem, pageTableBudget, sparing };
  const core = await openCore(recipe, signal);
  try {
    const given = vmcoreinfo === undefined ? undefined : await runVmcoreinfo(core, vmcoreinfo, options);
    return new Vmcore({ ...core, recipe: { ...core.recipe, vmcoreinfo: given } }, options);
  } catch (error) {
    core.source.close();
    throw error;
  }
}

/** The least that reads take, whatever the memory budget is: they are few. */
const SEARCH_SCALE = 1 / 64;

/** A given text as the kernel in memory would have it. */
async function runVmcoreinfo(core: OpenedCore, text: string, options: OpenOptions): Promise<string> {
  const architecture = architectureOf(core.machine);
  if (!architecture) return text;
  const own = readVmcoreinfo(findVmcoreinfo(addLowcoreNote(core).notes)?.desc, core.source.name);
  const slots = coreProfiles(core, options)(SEARCH_SCALE).tables;
  const memory = new PhysicalMemory(core.source, core.extents, core.littleEndian, slots, 'error');
  try {
    const known = own instanceof VmcoreError ? undefined : own;
    return await vmcoreinfoOfRun(text, known, memory, architecture, options.signal);
  } finally {
    memory.slots.release();
  }
}

function isList(source: CoreSource | readonly CoreSource[]): source is readonly CoreSource[] {
  return Array.isArray(source);
}
