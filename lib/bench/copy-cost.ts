import { performance } from 'node:perf_hooks';
import { native } from '../access/native.ts';
import { describeMachine, type Machine } from './machine.ts';
import type { Times } from './measure-access.ts';
import { RawCore, type RawCoreOptions, type ReachWay } from './raw-core.ts';

/** What it cost to bring pages into reach in one way, and to copy each once. */
export interface CopyCost {
  readonly way: ReachWay;
  /** Bytes of a map or pread. */
  readonly callBytes: number;
  /** Nanoseconds for each page. */
  readonly perPage: Times;
}

/** What {@link measureCopies} found. */
export interface CopyReport {
  readonly machine: Machine;
  readonly file: string;
  /** Pages of each way, in all rounds. */
  readonly pages: number;
  readonly ways: readonly CopyCost[];
}

/** Bytes of a pread that are compared: a page, as makedumpfile reads, and more. */
const PREAD_BYTES = [4 << 10, 64 << 10, 1 << 20];

/**
 * Measures the CPU time of mapping and of reading over the same pages, the program's and the kernel's, where the
 * program then copies every page once, as whoever reads a dump does first.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_ARGUMENT; the signal's reason.
 */
export async function measureCopies(path: string, options: RawCoreOptions = {}): Promise<CopyReport> {
  const { rounds = 5 } = options;
  const machine = describeMachine();
  using core = new RawCore(path, options);
  const cases = core.ways.flatMap((way) =>
    (way === 'pread' ? PREAD_BYTES : [core.regionBytes]).map((callBytes) => ({
      ...{ way, callBytes },
      spent: { wall: 0, user: 0, system: 0 },
    })),
  );
  await core.warm();
  for (let round = 0; round < rounds; round++) {
    for (const { way, callBytes, spent } of cases) {
      const started = performance.now();
      const cpu = process.cpuUsage();
      await copyAll(core, way, callBytes);
      const { user, system } = process.cpuUsage(cpu);
      spent.wall += (performance.now() - started) * 1e6;
      spent.user += user * 1e3;
      spent.system += system * 1e3;
    }
  }
  const pages = (rounds * core.bytes) / native().pageSize;
  return {
    ...{ machine, file: path, pages },
    ways: cases.map(({ way, callBytes, spent: { wall, user, system } }) => ({
      ...{ way, callBytes },
      perPage: { wall: wall / pages, user: user / pages, system: system / pages },
    })),
  };
}

async function copyAll(core: RawCore, way: ReachWay, callBytes: number): Promise<void> {
  const { pageSize } = native();
  const page = new Uint8Array(pageSize);
  for (const bytes of core.pieces(way, callBytes)) {
    for (let at = 0; at < bytes.length; at += pageSize) page.set(bytes.subarray(at, at + pageSize));
    if (core.turns.due) await core.turns.give();
  }
}
