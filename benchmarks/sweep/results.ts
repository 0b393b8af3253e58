import {
  type AccessRun,
  type CopyReport,
  describeMachine,
  type FirstTouchReport,
  type Machine,
  measureAccess,
  measureCopies,
  measureFirstTouch,
  measureSlotHits,
  type SlotHitReport,
} from '../../lib/bench/index.ts';
import { type AccessComparison, compareAccess } from '../access/rows.ts';
import { nameOf } from '../support/command-line.ts';
import { type ReadsRun, runReads } from './reads.ts';

/** A dump with regions of a size. */
export type RegionRun = AccessRun & { readonly regionBytes: number };

/** All that was measured on one core. */
export interface CoreResults {
  readonly core: string;
  readonly arch: string;
  readonly size: number;
  readonly calls: AccessComparison;
  readonly regions: readonly RegionRun[];
  readonly reads: readonly ReadsRun[];
  readonly touches: FirstTouchReport;
  readonly copies: CopyReport;
  readonly hits: SlotHitReport;
}

export interface SweepResults {
  readonly machine: Machine;
  readonly cores: readonly CoreResults[];
}

const KIB = 1 << 10;
const MIB = 1 << 20;
export const REGION_BYTES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB];
const READ_REGION_BYTES = [256 * KIB, MIB, 4 * MIB, 16 * MIB];
const SLOTS = [1, 2, 4, 8, 16, 32, 64, 128];
const LEVELS = [0, 31];
/** Times are medians of so many dumps. */
const REPEAT = 3;

export async function sweep(cores: readonly string[], say: (what: string) => void): Promise<SweepResults> {
  const machine = describeMachine();
  const results: CoreResults[] = [];
  for (const core of cores) results.push(await sweepCore(core, (what) => say(`${nameOf(core)}: ${what}`)));
  return { machine, cores: results };
}

async function sweepCore(core: string, say: (what: string) => void): Promise<CoreResults> {
  say('calls, and those of makedumpfile');
  const calls = await compareAccess(core, LEVELS);
  const regions: RegionRun[] = [];
  const { arch, size } = await measureAccess(core, { levels: [] });
  for (const regionBytes of REGION_BYTES) {
    say(`dumps with regions of ${regionBytes / KIB} KiB`);
    const { runs } = await measureAccess(core, { levels: LEVELS, regionBytes, repeat: REPEAT });
    regions.push(...runs.map((run) => ({ ...run, regionBytes })));
  }
  const reads: ReadsRun[] = [];
  say('reads with different numbers of slots');
  for (const regionBytes of READ_REGION_BYTES) {
    for (const slots of SLOTS) reads.push(await runReads(core, slots, regionBytes));
  }
  say('first touch');
  const touches = { ...(await measureFirstTouch(core)), file: nameOf(core) };
  const copies = { ...(await measureCopies(core)), file: nameOf(core) };
  const hits = { ...measureSlotHits(core), file: nameOf(core) };
  return { core: nameOf(core), arch, size, calls, regions, reads, touches, copies, hits };
}
