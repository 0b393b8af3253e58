import {
  MemoryBudget,
  type MemoryOptions,
  type PassMemory,
  type PassSizes,
  PLAIN_DUMP,
  type WorkerOptions,
} from './access/memory-budget.ts';
import type { AccessOptions, AccessProfile } from './access/profile.ts';
import { CALL_COSTS, type ReadCosts } from './access/read-plan.ts';
import { type SlotOptions, Slots } from './access/slots.ts';
import type { Architecture } from './arch/arch.ts';
import { architectureName, architectureOf } from './arch/registry.ts';
import { codecs } from './codecs/registry.ts';
import { describeCore } from './core-description.ts';
import type { DiffSide } from './diff/side-pages.ts';
import { VmcoreError } from './errors.ts';
import type { PageBitmap } from './filter/bitmap.ts';
import { CorePages } from './filter/core-pages.ts';
import { LEVEL_MAX } from './filter/dump-level.ts';
import { maxPfnOf } from './filter/existing-pages.ts';
import { planScrub, type ScrubPlan } from './filter/scrub-plan.ts';
import type { ScrubTarget } from './filter/scrub-target.ts';
import type { OpenedCore } from './formats/core-file.ts';
import { UTSNAME_SIZE } from './formats/kdump-layout.ts';
import { SPARING_MEMBER_BYTES } from './formats/kdump-source.ts';
import { findVmcoreinfo } from './formats/notes.ts';
import { S390CompressedSource } from './formats/s390-dump/compressed-source.ts';
import { readVmcoreinfo, type Vmcoreinfo } from './kernel/vmcoreinfo.ts';
import { AddressSpaces } from './memory/address-spaces.ts';
import { coreProfiles } from './memory/core-profile.ts';
import { PhysicalMemory } from './memory/physical.ts';
import { VirtualMemory } from './memory/virtual.ts';
import { calibrateOn } from './pipeline/calibrate-on.ts';
import type { DumpContext } from './pipeline/dump-context.ts';
import type { PlanOptions } from './pipeline/dump-options.ts';

/** Page size where VMCOREINFO does not say: that of x86_64 and s390x. */
const DEFAULT_PAGE_SIZE = 4096;

/** The parts that work on an open core, with regions that fit the memory budget. */
export class CoreParts {
  readonly core: OpenedCore;
  /** As `Vmcore.arch`. */
  readonly arch: string;
  readonly architecture: Architecture | undefined;
  /** Bytes of a page. */
  readonly pageSize: number;
  readonly vmcoreinfo: Vmcoreinfo | undefined;
  /** Why there is no VMCOREINFO: undefined when there is. */
  readonly vmcoreinfoProblem: VmcoreError | undefined;
  readonly physBase: number;
  /** Memory as page tables are read from it. */
  readonly tables: PhysicalMemory;
  readonly memory: PhysicalMemory;
  readonly spaces: AddressSpaces;
  readonly virtual: VirtualMemory;
  readonly pages: CorePages;
  readonly #budget: MemoryBudget;
  /** Gets smaller when a pass needs room within the memory budget. */
  #profile: AccessProfile;
  #scale: number;
  #measuredCosts: ReadCosts | undefined;

  /** @throws VmcoreError ERR_VMCORE_ARGUMENT: the memory budget is too small. */
  constructor(core: OpenedCore, options: AccessOptions & MemoryOptions) {
    const { source, header } = core;
    this.core = core;
    this.arch = architectureName(core.machine);
    this.architecture = architectureOf(core.machine);
    const info = vmcoreinfoOf(core);
    this.vmcoreinfo = info instanceof VmcoreError ? undefined : info;
    this.vmcoreinfoProblem = info instanceof VmcoreError ? info : undefined;
    this.pageSize = header?.pageSize ?? this.vmcoreinfo?.pageSize ?? DEFAULT_PAGE_SIZE;
    const memory = {
      ...{ source, pageSize: this.pageSize, heldBytes: heldBytes(core) },
      bitmapBytes: Math.ceil(maxPfnOf(core.extents, this.pageSize) / 8),
      profile: coreProfiles(core, options),
    };
    this.#budget = new MemoryBudget(memory, options.memoryBudget);
    ({ profile: this.#profile, scale: this.#scale } = this.#budget.fit(PLAIN_DUMP, { workers: 0 }));
    this.physBase =
      (this.vmcoreinfo?.number('phys_base') === undefined ? header?.physBase : undefined) ??
      this.architecture?.physBase(this.vmcoreinfo, core.segments) ??
      0;
    this.tables = this.#physical(this.#profile.tables);
    this.memory = this.#physical(this.#profile.memory);
    this.spaces = new AddressSpaces(this.architecture, this.vmcoreinfo, this.physBase, this.tables);
    this.virtual = new VirtualMemory(this.memory, this.spaces.kernel(core, this.arch), core.littleEndian);
    this.pages = new CorePages({
      arch: this.arch,
      extents: core.extents,
      pageSize: this.pageSize,
      fileSize: core.fileSize,
      inputLevel: header?.dumpLevel ?? 0,
      memory: this.virtual,
      vmcoreinfo: () => this.requireVmcoreinfo(),
      openSlots: () => new Slots(source, this.#profile.structPages),
    });
  }

  /** @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO, or what is wrong with it. */
  requireVmcoreinfo(): Vmcoreinfo {
    if (this.vmcoreinfo) return this.vmcoreinfo;
    throw this.vmcoreinfoProblem;
  }

  /**
   * The sizes with which a pass stays within the budget; regions of reads that are kept get smaller, too.
   * @throws VmcoreError ERR_VMCORE_ARGUMENT: it can't.
   */
  fit(pass: PassMemory, options: WorkerOptions): PassSizes {
    const sizes = this.#budget.fit(pass, options);
    if (sizes.scale < this.#scale) {
      this.#scale = sizes.scale;
      this.#profile = sizes.profile;
      this.tables.slots.resize(this.#profile.tables);
      this.memory.slots.resize(this.#profile.memory);
    }
    return sizes;
  }

  /** What reading costs, as the objective counts it; measured once, on pages that are kept. */
  readCosts(kept: PageBitmap, { objective, costs }: PlanOptions): ReadCosts {
    if (objective === 'calls') return CALL_COSTS;
    if (costs) return costs;
    const { policy, costs: usual, limits } = this.#profile;
    if (policy !== 'auto') return usual;
    const { source, extents } = this.core;
    this.#measuredCosts ??= calibrateOn(source, kept, extents, this.pageSize, limits('time', 1)) ?? usual;
    return this.#measuredCosts;
  }

  dumpContext(): DumpContext {
    const { source, extents, header } = this.core;
    return {
      ...{ source, extents, pageSize: this.pageSize, inputLevel: header?.dumpLevel ?? 0 },
      isLive: this.core.format === 'kcore',
      fit: (pass, options) => this.fit(pass, options),
      readCosts: (kept, plan) => this.readCosts(kept, plan),
      defaultCompression: () => (codecs().zstd.available ? 'zstd' : 'zlib'),
      judge: (level) => this.pages.judge(level),
      planScrub: (targets, signal) => this.#planScrub(targets, signal),
      describe: (judge, scrub) => describeCore(this, judge, scrub),
    };
  }

  diffSide(): DiffSide {
    return {
      memory: this.memory,
      extents: this.core.extents,
      pageSize: this.pageSize,
      problem: this.pages.problem,
      classify: (options) => this.pages.classify(LEVEL_MAX, options),
    };
  }

  /** Unmaps what is kept mapped. */
  release(): void {
    this.tables.slots.release();
    this.memory.slots.release();
  }

  #planScrub(targets: readonly ScrubTarget[], signal: AbortSignal): Promise<ScrubPlan> {
    const scrubbed = {
      physical: this.memory,
      memory: this.virtual,
      vmcoreinfo: () => this.requireVmcoreinfo(),
      searchable: Math.max(this.core.notePayload.length, UTSNAME_SIZE),
    };
    return planScrub(targets, scrubbed, signal);
  }

  #physical(slots: SlotOptions): PhysicalMemory {
    const { source, extents, littleEndian, excluded } = this.core;
    return new PhysicalMemory(source, extents, littleEndian, slots, excluded);
  }
}

/** What was given in place of the note, else the note. */
function vmcoreinfoOf({ recipe, notes, source }: OpenedCore): Vmcoreinfo | VmcoreError {
  const given = recipe.vmcoreinfo;
  const text = given === undefined ? findVmcoreinfo(notes)?.desc : new TextEncoder().encode(given);
  return readVmcoreinfo(text, source.name);
}

/**
 * What an open core keeps, in bytes: notes, where memory lies, the bitmaps of a kdump-compressed dump with its ranks, and
 * what a stand-alone dump keeps of its compressed entries.
 */
function heldBytes({ format, source, notePayload, extents, header, recipe }: OpenedCore): number {
  const tables = notePayload.length + 3 * extents.start.byteLength;
  if (source instanceof S390CompressedSource) return tables + source.heldBytes;
  if (format !== 'kdump' || !header) return tables;
  const bitmap = Math.ceil(header.maxPfn / 8);
  return tables + 2 * bitmap + Math.ceil(bitmap / 8) + recipe.sources.length * SPARING_MEMBER_BYTES;
}
