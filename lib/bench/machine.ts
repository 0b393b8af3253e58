import { readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, loadavg, release } from 'node:os';
import { native } from '../access/native.ts';

/**
 * What executes the instructions: a machine of its own, a virtual one on hardware (`kvm`, whatever the hypervisor is
 * called), or an emulator (`tcg`), which has no caches: its counts are exact, its times mean nothing.
 */
export type Accel = 'native' | 'kvm' | 'tcg';

/** The machine that measured. */
export interface Machine {
  readonly accel: Accel;
  /** As Node.js calls it: `x64`, `s390x`, `arm64`. */
  readonly arch: string;
  readonly processor: string;
  readonly cpus: number;
  /** `uname -r`. */
  readonly kernel: string;
  readonly node: string;
  /** Bytes of the largest cache of a CPU; 0 where the kernel does not say. */
  readonly lastLevelCache: number;
  /** The mean number of running processes over the last minute when the measurement began. */
  readonly load: number;
}

/** This machine, for reports. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    accel: detectAccel(process.env.VMCORE_ACCEL, readText('/proc/cpuinfo'), readText('/proc/sysinfo')),
    arch: arch(),
    processor: processors[0]?.model ?? 'unknown',
    cpus: processors.length,
    kernel: release(),
    node: process.version,
    lastLevelCache: lastLevelCache(),
    load: Math.round(loadavg()[0]! * 100) / 100,
  };
}

/**
 * `named` (the environment's VMCORE_ACCEL) wins: a guest can't always tell. Else x86 says it in /proc/cpuinfo (the
 * `hypervisor` flag; QEMU's emulated processors carry its name), s390x in /proc/sysinfo (the manufacturer; VM00).
 */
export function detectAccel(named: string | undefined, cpuinfo: string, sysinfo: string): Accel {
  if (named === 'native' || named === 'kvm' || named === 'tcg') return named;
  if (/^model name\s*: QEMU /m.test(cpuinfo) || /^Manufacturer:\s*QEMU/m.test(sysinfo)) return 'tcg';
  return /^flags\s*:.* hypervisor( |$)/m.test(cpuinfo) || /^VM00 /m.test(sysinfo) ? 'kvm' : 'native';
}

/** Nanoseconds of a cycle of the addon's clock, measured against the system's clock for 20 ms. */
export function nanosecondsPerCycle(): number {
  const { cycles } = native();
  const started = process.hrtime.bigint();
  const first = cycles();
  let elapsed = 0;
  while (elapsed < 20e6) elapsed = Number(process.hrtime.bigint() - started);
  return elapsed / (cycles() - first);
}

const CACHES = '/sys/devices/system/cpu/cpu0/cache';

function lastLevelCache(): number {
  try {
    const sizes = readdirSync(CACHES).map((index) => readText(`${CACHES}/${index}/size`));
    return Math.max(0, ...sizes.map((size) => Number(/^(\d+)K$/m.exec(size)?.[1] ?? 0) * 1024));
  } catch {
    return 0;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
