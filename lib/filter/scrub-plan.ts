import { hex, isLostData } from '../errors.ts';
import { ERASED } from '../formats/erased.ts';
import { findSymbols } from '../kernel/kallsyms.ts';
import type { Vmcoreinfo } from '../kernel/vmcoreinfo.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import { disjointRanges, type ScrubRange } from './scrub.ts';
import { checkTarget, type ScrubTarget, scrubError } from './scrub-target.ts';

/** What a dump does not get to see. */
export interface ScrubPlan {
  /** Physical memory, ascending; no two overlap. */
  readonly ranges: readonly ScrubRange[];
  /** makedumpfile's lines of text that tell what was erased: `erase NAME size N`. */
  readonly trail: Uint8Array;
  /** What is overwritten as it was, as far as it is short enough to be looked for elsewhere. */
  readonly secrets: readonly Uint8Array[];
}

/** What is known of the core that is scrubbed. */
export interface ScrubbedCore {
  readonly physical: PhysicalMemory;
  readonly memory: VirtualMemory;
  /** Throws ERR_VMCORE_NO_VMCOREINFO where there is none. */
  vmcoreinfo(): Vmcoreinfo;
  /** Bytes of the longest thing that is searched for copies of what is overwritten. */
  readonly searchable: number;
}

/** A part of a target that lies together, in virtual or physical memory. */
interface Stretch {
  readonly name: string;
  readonly address: bigint | number;
  readonly size: number;
  readonly nullify: boolean;
}

/** Memory may be mapped page by page; more pieces than these are no secret, but a mistake. */
const RANGES_LIMIT = 1 << 20;
/** Not all that lies between two symbols that are further apart belongs to the first. In bytes. */
const INFERRED_LIMIT = 1 << 20;
/** Shorter ones, such as a pointer, are in places where they mean something else. In bytes. */
const SECRET_BYTES = 16;

/**
 * Finds what targets mean in physical memory.
 * @throws VmcoreError ERR_VMCORE_ARGUMENT for targets that are none and symbols that the kernel does not have;
 *   ERR_VMCORE_UNMAPPED for addresses that lead nowhere; what reading the kernel's symbols throws.
 */
export async function planScrub(
  targets: readonly ScrubTarget[],
  core: ScrubbedCore,
  signal?: AbortSignal,
): Promise<ScrubPlan> {
  if (!Array.isArray(targets)) throw scrubError('scrub is a list of targets');
  const stretches = await findStretches(targets, core, signal);
  const ranges: ScrubRange[] = [];
  const secrets: Uint8Array[] = [];
  for (const stretch of stretches) {
    for (const range of physicalRanges(stretch, core.memory)) {
      if (ranges.length === RANGES_LIMIT)
        throw scrubError(`${stretch.name} lies in more than ${RANGES_LIMIT} pieces`);
      ranges.push(range);
    }
    const secret = stretch.size <= core.searchable ? secretOf(stretch, core) : undefined;
    if (secret) secrets.push(secret);
  }
  const lines = stretches.map(
    ({ name, size, nullify }) => `erase ${name} ${nullify ? 'nullify' : `size ${size}`}\n`,
  );
  return { ranges: disjointRanges(ranges), trail: Buffer.from(lines.join('')), secrets };
}

async function findStretches(
  targets: readonly ScrubTarget[],
  { memory, vmcoreinfo }: ScrubbedCore,
  signal: AbortSignal | undefined,
): Promise<Stretch[]> {
  for (const target of targets) checkTarget(target);
  const names = new Set(targets.flatMap((target) => ('symbol' in target ? [target.symbol] : [])));
  const symbols = names.size > 0 ? await findSymbols(memory, vmcoreinfo(), names, signal) : [];
  return targets.flatMap((target): Stretch[] => {
    const nullify = target.nullify ?? false;
    if ('paddr' in target) {
      const { paddr: address, size, name = `phys:${hex(address)}` } = target;
      return [{ name, address, size, nullify }];
    }
    if ('vaddr' in target) {
      const { vaddr: address, size, name = hex(address) } = target;
      return [{ name, address, size, nullify }];
    }
    const { symbol, offset = 0 } = target;
    const found = symbols.filter(({ name }) => name === symbol);
    if (found.length === 0)
      throw scrubError(`the kernel has no symbol ${symbol} that it tells of: give its address`);
    const name = offset > 0 ? `${symbol}+${hex(offset)}` : symbol;
    return found.map((one) => {
      const size = target.size ?? (one.size ?? 0) - offset;
      if (target.size === undefined && size > INFERRED_LIMIT)
        throw scrubError(
          `the symbol behind ${symbol} is ${one.size} bytes on, which is too far to guess: give a size`,
        );
      if (size > 0) return { name, address: one.address + BigInt(offset), size, nullify };
      if (one.size === undefined)
        throw scrubError(`the kernel does not tell how large ${symbol} is: give its size`);
      throw scrubError(`${symbol} has ${one.size} bytes, so none at ${hex(offset)}`);
    });
  });
}

function* physicalRanges({ address, size, nullify }: Stretch, memory: VirtualMemory): Generator<ScrubRange> {
  const byte = nullify ? 0 : ERASED;
  if (typeof address === 'number') {
    yield { start: address, end: address + size, byte };
    return;
  }
  for (let done = 0; done < size; ) {
    const { paddr, contiguous } = memory.addressSpace.translate(address + BigInt(done));
    const length = Math.min(contiguous, size - done);
    yield { start: paddr, end: paddr + length, byte };
    done += length;
  }
}

/** What would be overwritten; undefined where that can't be read, or is so little or so uniform that it is no secret. */
function secretOf({ address, size }: Stretch, { physical, memory }: ScrubbedCore): Uint8Array | undefined {
  if (size < SECRET_BYTES) return undefined;
  try {
    const bytes = new Uint8Array(size);
    if (typeof address === 'number') physical.read(address, bytes);
    else memory.read(address, bytes);
    return bytes.some((byte) => byte !== bytes[0]) ? bytes : undefined;
  } catch (error) {
    if (isLostData(error)) return undefined;
    throw error;
  }
}
