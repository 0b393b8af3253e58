import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { nameOf } from '../support/command-line.ts';
import type { PairedRuns } from './pairs.ts';

/** A ratio may be so much above the recorded one. */
export const MARGIN = 0.15;
/** Fewer are noise. */
export const FEWEST_PAIRS = 5;

/** Ratios ours/theirs by what was measured, such as `medium -d 31 zlib 0 threads: whole`. */
export type Ratios = Readonly<Record<string, number>>;

/** How a core is called: those of the lab by their kind. */
export function coreName(core: string): string {
  const name = nameOf(core);
  return name === 'core.elf' ? basename(dirname(core)) : name;
}

/** Of results, what is worth comparing with later ones. */
export function ratiosOf(results: readonly PairedRuns[]): Ratios {
  const named = results.flatMap(({ core, level, codec, threads, ratio }) => {
    const name = `${coreName(core)} -d ${level} ${codec} ${threads} threads`;
    const { whole, classify } = ratio;
    return Number.isNaN(classify)
      ? [[`${name}: whole`, whole]]
      : [
          [`${name}: whole`, whole],
          [`${name}: classify`, classify],
        ];
  });
  return Object.fromEntries(named);
}

/** What became slower than recorded, as text; a measurement that was never recorded is said to be so. */
export function slowerThan(recorded: Ratios, measured: Ratios): string[] {
  return Object.entries(measured).flatMap(([name, ratio]) => {
    const before = recorded[name];
    if (before === undefined) return [`${name}: ${ratio.toFixed(2)}, and nothing is recorded for it`];
    if (ratio <= before * (1 + MARGIN)) return [];
    return [`${name}: ${ratio.toFixed(2)}, recorded was ${before.toFixed(2)}`];
  });
}

export function readRatios(path: string): Ratios {
  return JSON.parse(readFileSync(path, 'utf8')) as Ratios;
}

/** Adds to what is recorded, in place of what had the same name. */
export function record(path: string, measured: Ratios): void {
  let before: Ratios = {};
  try {
    before = readRatios(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const all = Object.entries({ ...before, ...measured });
  const rounded = all
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, ratio]) => [name, Math.round(ratio * 1000) / 1000]);
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(rounded), null, 2)}\n`);
}
