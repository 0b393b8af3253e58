import { performance } from 'node:perf_hooks';
import type { AccessCounters } from '../access/counters.ts';
import type { CoreSource } from '../access/open-source.ts';
import { BYTES_PER_TABLE_BYTE } from '../access/page-table-budget.ts';
import type { AccessOptions } from '../access/profile.ts';
import type { AccessPolicy } from '../access/slots.ts';
import type { CodecName } from '../codecs/registry.ts';
import { openVmcore } from '../open.ts';
import type { PlanOptions } from '../pipeline/dump-options.ts';
import type { PhaseReport } from '../pipeline/dump-report.ts';
import { describeMachine, type Machine } from './machine.ts';
import { median } from './statistics.ts';

/** What {@link measureAccess} compares, and how. */
export interface MeasureAccessOptions extends Omit<AccessOptions, 'access'>, PlanOptions {
  /** Dump levels. Default 0 and 31. */
  readonly levels?: readonly number[] | undefined;
  /** Ways to reach the core. Default `mmap`, `read` and `auto`, which plans. */
  readonly access?: readonly AccessPolicy[] | undefined;
  /** How often each dump is made. Times are medians, calls those of the last one. Default 1. */
  readonly repeat?: number | undefined;
  /** Default `none`: what is measured is reading. */
  readonly compression?: 'none' | CodecName | undefined;
  /** Where the dumps go, each over the one before. Default /dev/null. */
  readonly output?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a process spent, in nanoseconds. */
export interface Times {
  readonly wall: number;
  /** CPU time of the program, all its threads. */
  readonly user: number;
  /** CPU time of the kernel for it. */
  readonly system: number;
}

/** Dumps of one level by one way to reach the core. */
export interface AccessRun {
  readonly level: number;
  readonly access: AccessPolicy;
  /** Calls on the core from opening it to closing it. */
  readonly calls: AccessCounters;
  /** Maps, unmaps and preads together. */
  readonly sum: number;
  /**
   * The most that page tables took at one time, in bytes, if all of what was mapped had some: so it is on /proc/vmcore,
   * and less on a regular file, which gets them as pages are touched.
   */
  readonly pageTableBytes: number;
  /** Pages that were copied. */
  readonly pages: number;
  /** From opening the core to closing it. */
  readonly times: Times;
  /** Calls and time of each phase, and for the last one what the plan predicted. */
  readonly phases: readonly PhaseReport[];
}

/** What {@link measureAccess} found. */
export interface AccessReport {
  readonly machine: Machine;
  /** The core as it was named. */
  readonly file: string;
  /** Of the core. */
  readonly arch: string;
  /** Bytes of the core. */
  readonly size: number;
  /** Ordered by level, then by way. */
  readonly runs: readonly AccessRun[];
}

/**
 * Dumps a core by every way to reach it, at every level, into nothing, and reports the calls that each made on the core
 * and what it cost.
 * @throws what openVmcore() and dump() throw; the signal's reason.
 */
export async function measureAccess(
  source: CoreSource,
  options: MeasureAccessOptions = {},
): Promise<AccessReport> {
  const { levels = [0, 31], access = ['mmap', 'read', 'auto'], repeat = 1 } = options;
  const machine = describeMachine();
  const cases = levels.flatMap((level) => access.map((policy) => ({ level, access: policy })));
  const measured = cases.map((): SingleRun[] => []);
  // Round by round, so that what disturbs the machine for a while disturbs all of them.
  for (let round = 0; round < repeat; round++) {
    for (const [index, { level, access: policy }] of cases.entries()) {
      measured[index]!.push(await dumpOnce(source, level, policy, options));
    }
  }
  const { file, arch, size } = measured[0]?.[0] ?? (await identify(source));
  return { machine, file, arch, size, runs: measured.flatMap(combine) };
}

interface SingleRun extends AccessRun {
  readonly file: string;
  readonly arch: string;
  readonly size: number;
}

async function dumpOnce(
  source: CoreSource,
  level: number,
  access: AccessPolicy,
  options: MeasureAccessOptions,
): Promise<SingleRun> {
  const { compression = 'none', output = '/dev/null', objective, costs, signal } = options;
  const { slots, regionBytes, pageTableBudget, hsaBytes, memoryBudget, workers } = options;
  const opening = { access, slots, regionBytes, pageTableBudget, hsaBytes, memoryBudget, signal };
  const started = performance.now();
  const cpu = process.cpuUsage();
  const core = await openVmcore(source, opening);
  try {
    const plan = { objective, costs, workers, memoryBudget };
    const report = await core.dump(output, { level, compression, force: true, ...plan, signal });
    await core.close();
    const { user, system } = process.cpuUsage(cpu);
    const times = { wall: (performance.now() - started) * 1e6, user: user * 1e3, system: system * 1e3 };
    const calls = core.counters;
    const { file, arch, size } = core;
    return {
      ...{ file, arch, size, level, access, calls, times },
      sum: calls.maps + calls.unmaps + calls.preads,
      pageTableBytes: Math.ceil(calls.mappedHighWater / BYTES_PER_TABLE_BYTE),
      pages: report.written,
      phases: report.phases,
    };
  } finally {
    await core.close();
  }
}

function combine(runs: readonly SingleRun[]): AccessRun[] {
  const last = runs.at(-1);
  if (!last) return [];
  const { file: _file, arch: _arch, size: _size, ...run } = last;
  const middle = (name: keyof Times) => median(runs.map(({ times }) => times[name]));
  return [{ ...run, times: { wall: middle('wall'), user: middle('user'), system: middle('system') } }];
}

async function identify(source: CoreSource): Promise<Pick<AccessReport, 'file' | 'arch' | 'size'>> {
  await using core = await openVmcore(source);
  const { file, arch, size } = core;
  return { file, arch, size };
}
