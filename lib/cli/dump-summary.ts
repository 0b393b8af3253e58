import type { DumpReport, PhaseReport } from '../index.ts';
import { formatBytes, formatCount, formatDuration, formatRows } from './format.ts';

/** A line for each file that was written. */
export function dumpSummary(report: DumpReport): string {
  const { file, members, bytes, dryRun } = report;
  const would = dryRun ? ' would be' : '';
  const files = members?.map((member) => `${member.file}: ${formatBytes(member.bytes)}\n`).join('') ?? '';
  return `${files}${members ? 'together' : file}:${would} ${formatBytes(bytes)}, ${whatIsIn(report)}\n`;
}

/** What of the core is in the dump, and why the rest is not. */
export function dumpStatistics(report: DumpReport): string {
  const { excluded } = report;
  const pages = formatRows([
    ['Pages in the core', formatCount(report.original)],
    ['  without data', formatCount(report.absent)],
    ['Page cache', formatCount(excluded.cache)],
    ['Private page cache', formatCount(excluded.cachePrivate)],
    ['User data pages', formatCount(excluded.user)],
    ['Free pages', formatCount(excluded.free)],
    ['Poisoned pages', formatCount(excluded.hwpoison)],
    ['Offline pages', formatCount(excluded.offline)],
    ['Kept', formatCount(report.written)],
    ['  only zeros', formatCount(report.zero)],
    ['Stored', formatCount(report.stored)],
  ]);
  const phases = report.phases.map(
    (phase) => [`Time to ${TIMES[phase.phase]}`, describePhase(phase)] as const,
  );
  return `${pages}\n${formatRows(phases)}`;
}

/** Why a dump with a report is not complete. */
export function incompleteness({ file, unreadablePages, unreadable }: DumpReport): string {
  if (unreadablePages === 0) return `the core is incomplete itself: so is ${file}, and marked so`;
  const first = unreadable[0];
  const reason = first ? ` (the first is ${first.pfn}: ${first.error.message})` : '';
  return `${formatCount(unreadablePages)} pages could not be read${reason}: ${file} is marked incomplete, and can be analysed without them`;
}

/** What went before the level that was used. */
export function failedLevels({ failedLevels: failed, level }: DumpReport): string[] {
  return failed.map((one) => `no room at level ${one.level} (${one.error.message}): level ${level} was used`);
}

const TIMES = { classify: 'classify', calibrate: 'calibrate', zeros: 'find zeros', write: 'write' } as const;

function whatIsIn({ original, written, level, format, compression, flattened, phases }: DumpReport): string {
  const seconds = phases.reduce((sum, { duration }) => sum + duration, 0) / 1e9;
  const pages = `${formatCount(written)} of ${formatCount(original)} pages`;
  const stored = format === 'elf' ? 'ELF' : compression === 'none' ? 'not compressed' : compression;
  return `${pages}, level ${level}, ${stored}${flattened ? ', flattened' : ''}, ${formatDuration(seconds)}`;
}

function describePhase({ duration, calls, predicted }: PhaseReport): string {
  const maps = `${formatCount(calls.maps)} maps of ${formatBytes(calls.mapBytes)}`;
  const reads = `${formatCount(calls.preads)} reads of ${formatBytes(calls.preadBytes)}`;
  const plan = predicted
    ? ` (planned: ${formatCount(predicted.maps)} and ${formatCount(predicted.preads)})`
    : '';
  return `${formatDuration(duration / 1e9)}; ${maps}, ${reads}${plan}`;
}
