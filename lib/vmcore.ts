import { type AccessCounters, countersBetween } from './access/counters.ts';
import { type MemoryOptions, PLAIN_DUMP } from './access/memory-budget.ts';
import type { AccessOptions } from './access/profile.ts';
import { WINDOW_BYTES } from './access/region.ts';
import type { SlotCounters } from './access/slots.ts';
import type { AddressSpace, WalkStep } from './arch/arch.ts';
import { type CpuRegisters, parseCpus } from './arch/registers.ts';
import { arrayToFill, checkObjective, checkPaddr, checkPfn, describe } from './arguments.ts';
import { eraseinfoOf } from './core-description.ts';
import { CoreParts } from './core-parts.ts';
import type { CoreDiff } from './diff/core-diff.ts';
import { type DiffOptions, diffCores } from './diff/diff.ts';
import { argumentError, VmcoreError } from './errors.ts';
import { type EstimateOptions, type EstimateReport, estimateSizes } from './estimate/estimate.ts';
import { type AddressWalk, walkAddress } from './filter/address-walk.ts';
import type { Classification, ScanOptions } from './filter/classify.ts';
import { checkDumpLevel, type DumpLevel, LEVEL_MAX } from './filter/dump-level.ts';
import type { PageExplanation } from './filter/explain.ts';
import { PAGE_CLASSES, type PageClass } from './filter/page-class.ts';
import type { CoreFile, OpenedCore, Segment } from './formats/core-file.ts';
import { bytesWithData } from './formats/extents.ts';
import type { Note } from './formats/notes.ts';
import { S390CompressedSource } from './formats/s390-dump/compressed-source.ts';
import { findSymbols, type KernelSymbol } from './kernel/kallsyms.ts';
import { type KernelLog, type LogOptions, type LogRecord, readKernelLog } from './kernel/printk/dmesg.ts';
import {
  scanVmcoreinfo,
  type VmcoreinfoCandidate,
  type VmcoreinfoScanOptions,
} from './kernel/scan-vmcoreinfo.ts';
import { readUtsname, type Utsname } from './kernel/utsname.ts';
import type { Vmcoreinfo } from './kernel/vmcoreinfo.ts';
import type { VirtualMemory } from './memory/virtual.ts';
import { writeDump } from './pipeline/dump.ts';
import type { DumpOptions, PlanOptions } from './pipeline/dump-options.ts';
import type { DumpReport } from './pipeline/dump-report.ts';
import { type MemoryUsage, memoryUsageOf } from './pipeline/memory-usage.ts';
import type { DumpTarget } from './pipeline/output-target.ts';
import type { Progress } from './pipeline/progress.ts';
import { makeReadPlan, type PlannedReads } from './pipeline/read-planner.ts';

/** What is classified, and how. */
export interface ClassifyOptions extends ScanOptions {
  /** Which pages are left out. Default 31: all that can be. */
  readonly level?: DumpLevel | undefined;
}

/** What is planned, and for what. */
export interface ReadPlanOptions extends PlanOptions {
  /** Which pages are left out. Default 31: all that can be. */
  readonly level?: DumpLevel | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How memory is counted. */
export interface MemoryUsageOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called some times a second. What it throws ends the work. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How a dump of a level would read the core. */
export interface ReadPlan extends PlannedReads {
  readonly level: number;
  /** Calls that measuring the costs made. */
  readonly calibration: AccessCounters;
}

/** Consecutive pages of a class. */
export interface PageRange {
  readonly pfn: number;
  /** Pages. */
  readonly count: number;
  readonly class: PageClass;
}

/** An open core. Reads are synchronous and return copies; what passes over the whole core is asynchronous. */
export class Vmcore implements AsyncDisposable {
  /** How the source is called in messages: its path. */
  readonly file: string;
  readonly format: CoreFile['format'];
  /** `x86_64`, `s390x`, ...; `machine N` for one without a name here. */
  readonly arch: string;
  readonly littleEndian: boolean;
  /** Whether it lacks memory that it should have: it is marked so, or was opened though it was cut off. */
  readonly incomplete: boolean;
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Bytes of the source. */
  readonly size: number;
  /** The pfn behind the last page that a segment covers. */
  readonly maxPfn: number;
  /** Bytes of memory that have data in the file. */
  readonly memoryBytes: number;
  /** The PT_LOADs in the order of the file; empty in formats without them. */
  readonly segments: readonly Segment[];
  /** All notes of all PT_NOTEs. */
  readonly notes: readonly Note[];
  /** Registers of the CPUs that left them. Empty for an architecture that is not known here. */
  readonly cpus: readonly CpuRegisters[];
  /** Why there is no VMCOREINFO: undefined when there is. */
  readonly vmcoreinfoProblem: VmcoreError | undefined;

  readonly #parts: CoreParts;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  /** @internal Use openVmcore(). */
  constructor(core: OpenedCore, options: AccessOptions & MemoryOptions) {
    const parts = new CoreParts(core, options);
    this.#parts = parts;
    this.file = core.source.name;
    this.size = core.fileSize;
    this.format = core.format;
    this.arch = parts.arch;
    this.littleEndian = core.littleEndian;
    this.incomplete = core.incomplete;
    this.segments = core.segments;
    this.memoryBytes = bytesWithData(core.extents);
    this.notes = core.notes;
    this.vmcoreinfoProblem = parts.vmcoreinfoProblem;
    this.pageSize = parts.pageSize;
    const { architecture } = parts;
    this.cpus = architecture ? parseCpus(core.notes, architecture.registers, core.littleEndian) : [];
    this.maxPfn = parts.pages.maxPfn;
  }

  /** Whether the core has a usable VMCOREINFO note; without, it can be read, but not filtered. */
  get hasVmcoreinfo(): boolean {
    return this.#parts.vmcoreinfo !== undefined;
  }

  /** What the dead kernel exported. @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO. */
  get vmcoreinfo(): Vmcoreinfo {
    return this.#parts.requireVmcoreinfo();
  }

  /** `uname` of the dead kernel. @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO, or what readVirtual throws. */
  get utsname(): Utsname {
    this.#requireOpen();
    return readUtsname(this.#parts.virtual, this.vmcoreinfo);
  }

  /** What was erased from the core before, as makedumpfile's lines of text; empty where nothing was. */
  get eraseinfo(): Uint8Array {
    return eraseinfoOf(this.#parts.core);
  }

  /**
   * Why pages can't be classified, so that only levels 0 and 1 work (none, where the core was cut off); undefined when they
   * can. Where its file can't be read (ERR_VMCORE_IO) they are looked for again each time.
   */
  get filterProblem(): VmcoreError | undefined {
    this.#requireOpen();
    return this.#parts.pages.problem;
  }

  /** Calls made on the source so far. */
  get counters(): AccessCounters {
    return this.#parts.core.source.counters();
  }

  /** How the slots of page-table reads and of users' reads did so far. */
  get slotCounters(): { readonly tables: SlotCounters; readonly memory: SlotCounters } {
    return { tables: this.#parts.tables.slots.counters, memory: this.#parts.memory.slots.counters };
  }

  /**
   * Reads physical memory: `length` bytes into a new array, or as many as `into` holds. Memory that existed but has no
   * data in the file (an excluded page; memsz > filesz) is an error or zeros, see `excluded` of OpenOptions.
   * @throws VmcoreError ERR_VMCORE_NOT_PRESENT, ERR_VMCORE_EXCLUDED, ERR_VMCORE_CORRUPT (a damaged page), ERR_VMCORE_IO,
   *   ERR_VMCORE_FAULT, ERR_VMCORE_ARGUMENT (an address that is no number is an error, not another address space).
   */
  readPhysical(paddr: number, lengthOrInto: number | Uint8Array): Uint8Array {
    this.#requireOpen();
    checkPaddr(paddr);
    return this.#parts.memory.read(paddr, arrayToFill(lengthOrInto, this.size + this.maxPfn * this.pageSize));
  }

  /**
   * Lends `use` physical memory without a copy where it lies together in the mapped file, else a copy: at most 16 MiB.
   * The bytes must not be written to (that ends the process) and are gone when `use` returns, which must not be async.
   * @throws as readPhysical.
   */
  withWindow<T>(paddr: number, length: number, use: (bytes: Uint8Array) => T): T {
    this.#requireOpen();
    checkPaddr(paddr);
    if (!Number.isInteger(length) || length < 0 || length > WINDOW_BYTES) {
      throw argumentError(`a window has 0 to ${WINDOW_BYTES} bytes, not ${describe(length)}`);
    }
    return this.#parts.memory.withWindow(paddr, length, (bytes) => {
      const result = use(bytes);
      if (result instanceof Promise) throw argumentError('the function that uses a window must not be async');
      return result;
    });
  }

  /**
   * Reads kernel virtual memory, translated page by page.
   * @throws VmcoreError ERR_VMCORE_UNMAPPED (the message says at which level and entry the walk ended), and what
   *   readPhysical throws.
   */
  readVirtual(vaddr: bigint, lengthOrInto: number | Uint8Array): Uint8Array {
    return this.#at(vaddr).read(vaddr, arrayToFill(lengthOrInto, this.size + this.maxPfn * this.pageSize));
  }

  /** The byte at a virtual address. @throws as readVirtual; so do the other integer reads. */
  readU8(vaddr: bigint): number {
    return this.#at(vaddr).u8(vaddr);
  }

  /** The 16-bit integer at a virtual address. Integers are in the byte order of the dead machine. @throws as readVirtual. */
  readU16(vaddr: bigint): number {
    return this.#at(vaddr).u16(vaddr);
  }

  /** The 32-bit integer at a virtual address. @see {@link readU16} */
  readU32(vaddr: bigint): number {
    return this.#at(vaddr).u32(vaddr);
  }

  /** The 64-bit integer at a virtual address. @see {@link readU16} */
  readU64(vaddr: bigint): bigint {
    return this.#at(vaddr).u64(vaddr);
  }

  /**
   * The string at a virtual address up to its NUL, or `limit` bytes of it, at most 16 MiB; what is no UTF-8 becomes U+FFFD.
   * @throws as readVirtual.
   */
  readCString(vaddr: bigint, limit = 4096): string {
    if (!Number.isSafeInteger(limit) || limit < 0 || limit > 1 << 24)
      throw argumentError(`limit ${String(limit)}`);
    return this.#at(vaddr).cstring(vaddr, limit);
  }

  /** The physical address of a virtual one, in bytes. @throws as readVirtual. */
  translate(vaddr: bigint): number {
    return this.#at(vaddr).translate(vaddr);
  }

  /**
   * The physical address of what a CPU (an index of {@link cpus}) had at a real address. On s390x each CPU has its prefix
   * area, with its lowcore, at real addresses 0 to 0x1fff: `readPhysical(core.realToPhysical(0, cpu), 0x2000)`. All other
   * addresses here are absolute ones, the page tables' too. On other architectures there is no difference.
   * @throws VmcoreError ERR_VMCORE_ARGUMENT: no such CPU, or it left no prefix register.
   */
  realToPhysical(real: number, cpu: number): number {
    this.#requireOpen();
    checkPaddr(real);
    const registers = this.cpus.find((one) => one.cpu === cpu);
    if (!registers)
      throw argumentError(`there are registers of ${this.cpus.length} CPUs, and none of CPU ${cpu}`);
    const { architecture } = this.#parts;
    if (!architecture?.absoluteAddress) return real;
    const paddr = architecture.absoluteAddress(registers, real);
    if (paddr === undefined) throw argumentError(`CPU ${cpu} left no prefix register`);
    return paddr;
  }

  /** The page-table entries that lead to a virtual address, the top level first, as far as there are some. */
  walk(vaddr: bigint): WalkStep[] {
    return [...this.#at(vaddr).addressSpace.walk(vaddr)];
  }

  /**
   * Where a virtual address leads: the page-table entries on the way, and the page at its end with its place in the file
   * and what its kernel used it for. In the kernel's page tables, or in those whose top table is `root`: a process's, by
   * its physical address (a number, as in CR3) or by the kernel's virtual one (a bigint, as in mm_struct.pgd).
   * @throws VmcoreError ERR_VMCORE_ARGUMENT; what translating `root` and reading the core throw.
   */
  vtop(vaddr: bigint, options: { readonly root?: number | bigint | undefined } = {}): AddressWalk {
    const { addressSpace } = this.#at(vaddr);
    const { source, extents } = this.#parts.core;
    const isDecompressed = this.format === 'kdump' || source instanceof S390CompressedSource;
    const core = {
      pages: this.#parts.pages,
      extents,
      segments: this.segments,
      pageSize: this.pageSize,
      isPlain: !isDecompressed && this.format !== 'kcore',
    };
    const { root } = options;
    return walkAddress(core, root === undefined ? addressSpace : this.#pageTables(root), vaddr);
  }

  /**
   * The kernel's symbols of this name (static ones may share one), with their sizes: from the table that it has for
   * itself, of 6.0 and later, without modules; else from VMCOREINFO.
   * @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO, ERR_VMCORE_CORRUPT, what readVirtual throws; the signal's reason.
   */
  findSymbols(name: string, options: { readonly signal?: AbortSignal } = {}): Promise<KernelSymbol[]> {
    return this.#run(options.signal, async (signal) =>
      findSymbols(this.#parts.virtual, this.vmcoreinfo, new Set([name]), signal),
    );
  }

  /** The kernel log, the oldest record first. @throws VmcoreError ERR_VMCORE_NO_VMCOREINFO, ERR_VMCORE_CORRUPT, ... */
  dmesg(options: LogOptions = {}): LogRecord[] {
    return this.kernelLog(options).records;
  }

  /** The kernel log with how it was kept, and how much of it is missing. @throws as dmesg(). */
  kernelLog(options: LogOptions = {}): KernelLog {
    this.#requireOpen();
    return readKernelLog(this.#parts.virtual, this.vmcoreinfo, options);
  }

  /**
   * Decides for every page whether a dump level keeps it.
   * @throws VmcoreError {@link filterProblem} when a level above 1 is asked for and the kernel's pages can't be found;
   *   ERR_VMCORE_FAULT or ERR_VMCORE_TRUNCATED when the core was cut off; ERR_VMCORE_CORRUPT; ERR_VMCORE_SELECT; the
   *   signal's reason.
   */
  classify(options: ClassifyOptions = {}): Promise<Classification> {
    return this.#run(options.signal, (signal) =>
      this.#parts.pages.classify(checkDumpLevel(options.level), { ...options, signal }),
    );
  }

  /**
   * Searches the core's memory for VMCOREINFO, the best candidate first: for a core without the note. To use one, open the
   * core again with its `text`.
   * @throws the signal's reason.
   */
  findVmcoreinfo(options: VmcoreinfoScanOptions = {}): Promise<VmcoreinfoCandidate[]> {
    return this.#run(options.signal, (signal) => scanVmcoreinfo(this.#parts.memory, { ...options, signal }));
  }

  /** Says why a page is kept or left out at a dump level (default 31). @throws VmcoreError ERR_VMCORE_ARGUMENT, ... */
  explain(pfn: number, options: { readonly level?: DumpLevel | undefined } = {}): PageExplanation {
    this.#requireOpen();
    checkPfn(pfn);
    const level = checkDumpLevel(options.level);
    return this.#parts.pages.explain(pfn, level);
  }

  /** The pages of one class at dump level 31, ascending, as runs. @throws as classify(). */
  async *pages(options: {
    readonly class: PageClass;
    readonly signal?: AbortSignal;
  }): AsyncGenerator<PageRange> {
    const pageClass = options.class;
    if (!PAGE_CLASSES.includes(pageClass)) {
      throw argumentError(`a page class is one of ${PAGE_CLASSES.join(', ')}, not ${String(pageClass)}`);
    }
    const { collected } = await this.#run(options.signal, (signal) =>
      this.#parts.pages.classify(LEVEL_MAX, { signal, collect: [pageClass] }),
    );
    for (const [pfn, count] of collected.get(pageClass)!.runs()) yield { pfn, count, class: pageClass };
  }

  /**
   * How a dump would read the core: for each stretch of the file a map, a pread or nothing, and the calls that makes.
   * The first plan measures what calls cost, with a few calls of its own, unless `costs` are given.
   * @throws as classify().
   */
  plan(options: ReadPlanOptions = {}): Promise<ReadPlan> {
    return this.#run(options.signal, async (signal) => {
      const objective = checkObjective(options.objective);
      const { bitmap, level } = await this.#parts.pages.classify(checkDumpLevel(options.level), { signal });
      const before = this.counters;
      const costs = this.#parts.readCosts(bitmap, options);
      const calibration = countersBetween(before, this.counters);
      const { profile, workers } = this.#parts.fit({ ...PLAIN_DUMP, inPieces: false, objective }, options);
      const limits = profile.limits(objective, Math.max(1, workers));
      const planner = { extents: this.#parts.core.extents, pageSize: this.pageSize, limits, costs };
      return { level, calibration, ...makeReadPlan(bitmap, planner, objective) };
    });
  }

  /**
   * Writes a filtered dump: to a new file, readable by its owner only; flattened, to a stream; or split, to a list of
   * files. A file is marked incomplete until all of it is on the disk, and a stream has no end marker until then. The
   * level of a core that was filtered before is the sum of both: what was left out stays so.
   * @throws VmcoreError ERR_VMCORE_EXISTS, ERR_VMCORE_NO_SPACE, ERR_VMCORE_OUTPUT, ERR_VMCORE_CODEC, ERR_VMCORE_WORKER,
   *   ERR_VMCORE_ARGUMENT, with `scrub` ERR_VMCORE_UNMAPPED, what classify() and reading throw; the signal's reason.
   */
  dump(target: DumpTarget, options: DumpOptions = {}): Promise<DumpReport> {
    return this.#run(options.signal, (signal) => {
      checkObjective(options.objective);
      return writeDump(this.#parts.dumpContext(), target, options, signal);
    });
  }

  /**
   * How large dumps would be, from a sample of the pages, with intervals that all hold with 95 %; nothing is written. For
   * kdump-compressed files; dump() with `dryRun` reads all pages and tells the very size, of ELF cores too.
   * @throws as classify(); VmcoreError ERR_VMCORE_CODEC; what reading throws, but for single pages, which a dump has not.
   */
  estimate(options: EstimateOptions = {}): Promise<EstimateReport> {
    return this.#run(options.signal, (signal) => estimateSizes(this.#parts.dumpContext(), options, signal));
  }

  /**
   * What the kernel uses its memory for, that of a running one too (/proc/kcore): reads all pages that level 31 keeps, to
   * find those of zeros.
   * @throws as classify() and dump().
   */
  async memoryUsage(options: MemoryUsageOptions = {}): Promise<MemoryUsage> {
    const { signal, onProgress } = options;
    const counted = { level: LEVEL_MAX, compression: 'none', dryRun: true, signal, onProgress } as const;
    return memoryUsageOf(await this.dump(this.file, counted), this.pageSize);
  }

  /**
   * Compares the memory of this core (A) with that of another (B), which may be of any format: which pages differ, in what
   * way, and what they are. It reads what both have data of, and takes 6 bits of memory for each page of either.
   * @throws VmcoreError ERR_VMCORE_ARGUMENT, ERR_VMCORE_FAULT, ERR_VMCORE_CODEC, what classify() throws; the signal's reason.
   */
  async diff(other: Vmcore, options: DiffOptions = {}): Promise<CoreDiff> {
    if (!(other instanceof Vmcore))
      throw argumentError('a core is compared with another one that openVmcore() opened');
    return this.#run(options.signal, (signal) =>
      other.#run(signal, (both) => diffCores(this.#parts.diffSide(), other.#parts.diffSide(), options, both)),
    );
  }

  /** Ends running work (which rejects with ERR_VMCORE_CLOSED), waits for it, unmaps and closes. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#closing.abort(closedError(this.file));
    }
    await Promise.allSettled(this.#running);
    this.#parts.release();
    this.#parts.core.source.close();
  }

  /** {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Page tables other than the kernel's. */
  #pageTables(root: number | bigint): AddressSpace {
    if (typeof root !== 'bigint') checkPaddr(root);
    const paddr = typeof root === 'bigint' ? this.translate(root) : root;
    const tables = this.#parts.spaces.ofTable(paddr);
    if (tables) return tables;
    throw this.vmcoreinfoProblem ?? argumentError(`the page tables of ${this.arch} are not known`);
  }

  #at(vaddr: bigint): VirtualMemory {
    this.#requireOpen();
    if (typeof vaddr === 'bigint' && vaddr >= 0n && vaddr < 1n << 64n) return this.#parts.virtual;
    throw argumentError(`a virtual address is a bigint of 64 bits, not ${describe(vaddr)}`);
  }

  /** Runs work that close() ends and waits for. */
  async #run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#requireOpen();
    const running = work(signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw closedError(this.file);
  }
}

function closedError(file: string): VmcoreError {
  return new VmcoreError('ERR_VMCORE_CLOSED', `${file} was closed`, { file });
}
