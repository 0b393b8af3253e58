// Damages what real programs wrote, and looks at how the library takes it.
import { mutate, type Places } from './mutate.ts';
import { Random } from './random.ts';

/** Something that a parser takes. */
export interface Seed {
  readonly bytes: Uint8Array;
  /** Where its headers are; without any, damage is everywhere alike. */
  readonly places: Places;
}

/** A parser. */
export interface Target {
  seeds(): Promise<readonly Seed[]>;
  /** Rejects when there is a bug; VmcoreErrors are none. */
  run(bytes: Uint8Array): Promise<void> | void;
}

/** An input that shows a bug. */
export interface Finding {
  readonly run: number;
  readonly bytes: Uint8Array;
  readonly error: unknown;
}

/** No input of the fuzzer takes so long on any machine, unless something does not end. In milliseconds. */
const TIME_LIMIT = 20_000;
/** Bytes of buffers that an input may leave behind for the garbage collector. */
const MEMORY_LIMIT = 256 << 20;

/** The first finding of so many runs, or before `until`; undefined when there was none. */
export async function fuzz(
  target: Target,
  { seed, runs, until = Number.POSITIVE_INFINITY }: { seed: number; runs: number; until?: number },
): Promise<Finding | undefined> {
  const seeds = await target.seeds();
  for (let run = 0; run < runs && Date.now() < until; run++) {
    const bytes = inputOf(seeds, seed, run);
    const error = await check(target, bytes);
    if (error !== undefined) return { run, bytes, error };
  }
  return undefined;
}

/** The same for the same seed and run, whatever runs came before. */
function inputOf(seeds: readonly Seed[], seed: number, run: number): Buffer {
  const random = new Random(Math.imul(seed, 0x9e3779b1) + run);
  const original = random.pick(seeds);
  return mutate(original.bytes, original.places, random);
}

async function check(target: Target, bytes: Uint8Array): Promise<unknown> {
  const before = process.memoryUsage().arrayBuffers;
  const start = process.cpuUsage();
  try {
    await target.run(bytes);
  } catch (error) {
    return error;
  }
  const { user, system } = process.cpuUsage(start);
  const milliseconds = (user + system) / 1000;
  if (milliseconds > TIME_LIMIT) return new Error(`it took ${milliseconds} ms`);
  const memory = process.memoryUsage().arrayBuffers - before;
  return memory > MEMORY_LIMIT ? new Error(`it took ${memory} bytes`) : undefined;
}
