/**
 * Read the memory of a crashed Linux kernel, drop the pages nobody will look at, and write the rest so that `crash`,
 * `drgn` and `libkdumpfile` open it. Start with {@link openVmcore}.
 * @module
 */
export type { AccessCounters } from './access/counters.ts';
export type { MemoryOptions, WorkerOptions } from './access/memory-budget.ts';
export type { CoreSource } from './access/open-source.ts';
export type { AccessOptions } from './access/profile.ts';
export type { ReadCosts, ReadMethod, ReadObjective } from './access/read-plan.ts';
export type { AccessPolicy, SlotCounters } from './access/slots.ts';
export type { WalkStep } from './arch/arch.ts';
export type { CpuRegisters } from './arch/registers.ts';
export { type CodecName, type CodecStatus, codecs } from './codecs/registry.ts';
export {
  type CoreDiff,
  DIFF_CLASSES,
  type DiffClass,
  type DifferenceCount,
  type DifferentPages,
  PAGE_DIFFERENCES,
  type PageDifference,
} from './diff/core-diff.ts';
export type { DiffOptions } from './diff/diff.ts';
export { isVmcoreError, VmcoreError, type VmcoreErrorCode, type VmcoreErrorDetails } from './errors.ts';
export type { EstimateOptions, EstimateReport, SizeEstimate } from './estimate/estimate.ts';
export type { AddressWalk, PhysicalPage } from './filter/address-walk.ts';
export { PageBitmap } from './filter/bitmap.ts';
export type { Classification, ScanOptions, ScanProgress } from './filter/classify.ts';
export { type DumpLevel, LEVEL_CLASSES } from './filter/dump-level.ts';
export type { PageExplanation } from './filter/explain.ts';
export { type ClassCounts, PAGE_CLASSES, type PageClass } from './filter/page-class.ts';
export type {
  ScrubPhysical,
  ScrubSymbol,
  ScrubTarget,
  ScrubVirtual,
} from './filter/scrub-target.ts';
export type { PageVerdict, SelectableRange, SelectPages } from './filter/select.ts';
export type { NoteSegment, Segment } from './formats/core-file.ts';
export type { Extents } from './formats/extents.ts';
export type { Note } from './formats/notes.ts';
export type { KernelSymbol } from './kernel/kallsyms.ts';
export {
  type Caller,
  type FormatOptions,
  formatRecord,
  joinContinuations,
  type KernelLog,
  type LogOptions,
  type LogRecord,
} from './kernel/printk/dmesg.ts';
export type { VmcoreinfoCandidate, VmcoreinfoScanOptions } from './kernel/scan-vmcoreinfo.ts';
export type { Utsname } from './kernel/utsname.ts';
export { Vmcoreinfo } from './kernel/vmcoreinfo.ts';
export { type OpenOptions, openVmcore } from './open.ts';
export type { AbortMode } from './output/sink.ts';
export type { PfnRange } from './output/split.ts';
export type { UnreadablePage } from './pipeline/copy-job.ts';
export {
  DUMP_FORMATS,
  type DumpFormat,
  type DumpOptions,
  type PlanOptions,
} from './pipeline/dump-options.ts';
export type { DumpMember, DumpReport, FailedLevel, PhaseReport } from './pipeline/dump-report.ts';
export type { MemoryUsage } from './pipeline/memory-usage.ts';
export type { DumpTarget, OutputOptions } from './pipeline/output-target.ts';
export type { Progress } from './pipeline/progress.ts';
export type { PlannedRange, PlannedReads, PredictedCalls } from './pipeline/read-planner.ts';
export { type ReassembleOptions, type ReassembleReport, reassemble } from './pipeline/reassemble.ts';
export { type UnflattenOptions, type UnflattenReport, unflatten } from './pipeline/unflatten.ts';
export type { DumpProblem } from './verify/findings.ts';
export { type DumpState, type VerifyOptions, type VerifyReport, verifyDump } from './verify/verify.ts';
export type {
  ClassifyOptions,
  MemoryUsageOptions,
  PageRange,
  ReadPlan,
  ReadPlanOptions,
  // Only a type: openVmcore() makes them.
  Vmcore,
} from './vmcore.ts';
export type { DebugInfoOptions } from './vmlinux/debug-info.ts';
export { identifyVmlinux, type KernelIdentity } from './vmlinux/kernel-identity.ts';
export { type MakeVmcoreinfoOptions, makeVmcoreinfo } from './vmlinux/make-vmcoreinfo.ts';
