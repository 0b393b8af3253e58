import { native } from '../access/native.ts';
import { randomIntegers } from '../estimate/random.ts';
import { describeMachine, type Machine, nanosecondsPerCycle } from './machine.ts';
import { checkCallBytes, RawCore, type RawCoreOptions, type ReachWay } from './raw-core.ts';
import { type Distribution, distribution, median } from './statistics.ts';

/** What {@link measureFirstTouch} reads, and how. */
export interface FirstTouchOptions extends RawCoreOptions {
  /** Bytes of a pread, a multiple of the page size of at most 16 MiB. Default 64 KiB. */
  readonly preadBytes?: number | undefined;
}

/**
 * In which order the pages of a piece are touched: `ascending` as a dump does, so that the CPU fetches the next lines
 * and pages before they are asked for, or `scattered` as a debugger does, so that it can't.
 */
export type TouchOrder = 'ascending' | 'scattered';

/** Cycles for the pages that came into reach in one way. */
export interface TouchedPages {
  readonly way: ReachWay;
  readonly order: TouchOrder;
  /** The calls that brought pages into reach and out of it, for each page. */
  readonly call: Distribution;
  /** One load in the first line of each page. */
  readonly firstLine: Distribution;
  /** One load in each of its other lines, together. */
  readonly otherLines: Distribution;
  /** The same loads once more. */
  readonly firstLineAgain: Distribution;
  readonly otherLinesAgain: Distribution;
}

/** What {@link measureFirstTouch} found. All cycles are those of the clock, less what reading it costs. */
export interface FirstTouchReport {
  readonly machine: Machine;
  readonly file: string;
  /** What counts the cycles, see `types/native.d.ts`. */
  readonly clock: 'tsc' | 'stckf' | 'clock';
  readonly nanosecondsPerCycle: number;
  /** Cycles that two readings of the clock take with nothing between them; subtracted from all others. */
  readonly clockCycles: number;
  /** Pages that each way touched in a round. */
  readonly pages: number;
  readonly linesPerPage: number;
  readonly regionBytes: number;
  readonly preadBytes: number;
  /**
   * How often the caches of the CPU would hold the pages: below 1, so that none is left there from the way before;
   * undefined where the size of the caches is not known.
   */
  readonly cacheShare: number | undefined;
  readonly ways: readonly TouchedPages[];
}

/** Elements of the addon's TouchIndex. */
const READINGS = 5;
const DEFAULT_PREAD_BYTES = 64 << 10;

/**
 * Measures what it costs to touch pages for the first time and again, after they were mapped and after they were read,
 * in cycles. The same pages in every way.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_ARGUMENT; the signal's reason.
 */
export async function measureFirstTouch(
  path: string,
  options: FirstTouchOptions = {},
): Promise<FirstTouchReport> {
  const { rounds = 3, preadBytes = DEFAULT_PREAD_BYTES } = options;
  checkCallBytes('preadBytes', preadBytes);
  const machine = describeMachine();
  using core = new RawCore(path, options);
  const { pageSize, lineSize, clock } = native();
  const pages = core.bytes / pageSize;
  const ways = (['ascending', 'scattered'] as const).flatMap((order) =>
    core.ways.map((way) => new WayReadings(way, order, pages * rounds)),
  );
  await core.warm();
  for (let round = 0; round < rounds; round++) for (const way of ways) await way.touchAll(core, preadBytes);
  const clockCycles = median(ways.flatMap((way) => [...way.column(0)]));
  return {
    ...{ machine, file: path, clock, nanosecondsPerCycle: nanosecondsPerCycle(), clockCycles, pages },
    linesPerPage: pageSize / lineSize,
    regionBytes: core.regionBytes,
    preadBytes,
    cacheShare: machine.lastLevelCache > 0 ? machine.lastLevelCache / core.bytes : undefined,
    ways: ways.map((way) => way.summary(clockCycles)),
  };
}

class WayReadings {
  readonly #way: ReachWay;
  readonly #order: TouchOrder;
  readonly #readings: Float64Array;
  readonly #calls: number[] = [];
  #pages = 0;

  constructor(way: ReachWay, order: TouchOrder, pages: number) {
    this.#way = way;
    this.#order = order;
    this.#readings = new Float64Array(pages * READINGS);
  }

  async touchAll(core: RawCore, preadBytes: number): Promise<void> {
    const { pageSize } = native();
    const length = this.#way === 'pread' ? preadBytes : core.regionBytes;
    const acquired = (cycles: number, bytes: number) => this.#calls.push((cycles * pageSize) / bytes);
    for (const bytes of core.pieces(this.#way, length, acquired)) {
      this.#touchPiece(bytes);
      if (core.turns.due) await core.turns.give();
    }
  }

  #touchPiece(bytes: Uint8Array): void {
    const { touch, pageSize } = native();
    const pages = bytes.length / pageSize;
    if (this.#order === 'ascending') {
      this.#pages += touch(bytes, this.#readings.subarray(this.#pages * READINGS));
      return;
    }
    for (const page of scattered(pages)) {
      const at = page * pageSize;
      this.#pages += touch(
        bytes.subarray(at, at + pageSize),
        this.#readings.subarray(this.#pages * READINGS),
      );
    }
  }

  /** One of the readings of all pages. */
  column(index: number): Float64Array {
    return Float64Array.from({ length: this.#pages }, (_, page) => this.#readings[page * READINGS + index]!);
  }

  summary(clockCycles: number): TouchedPages {
    const column = (index: number) =>
      distribution(this.column(index).map((cycles) => Math.max(0, cycles - clockCycles)));
    return {
      way: this.#way,
      order: this.#order,
      call: distribution(this.#calls),
      firstLine: column(1),
      otherLines: column(2),
      firstLineAgain: column(3),
      otherLinesAgain: column(4),
    };
  }
}

/** 0 to `count` - 1, each once, in an order that nothing in a CPU predicts, and that is the same every time. */
function scattered(count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  const random = randomIntegers();
  for (let left = count; left > 1; left--) {
    const other = random() % left;
    [order[left - 1], order[other]] = [order[other]!, order[left - 1]!];
  }
  return order;
}
