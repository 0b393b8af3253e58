import * as Plot from '@observablehq/plot';
import { draw } from '../support/plot.ts';
import type { ScaleRun } from './measure.ts';

const GIB = 2 ** 30;
const PUBLISHED = 17.5; // seconds for each TiB, HP DL980 G7: kexec list, 2013

/** Seconds of the classification by the size of memory: a straight line where cost is linear. */
export function scaleFigure(runs: readonly ScaleRun[]): string {
  const data = runs.flatMap(({ memory, ours, theirs, floor }) => {
    const published = (PUBLISHED * memory) / (1024 * GIB);
    const all = {
      vmcore: ours,
      makedumpfile: theirs,
      'memory bandwidth': floor,
      'published (17.5 s/TiB)': published,
    };
    return Object.entries(all).flatMap(([who, seconds]) =>
      Number.isNaN(seconds) ? [] : [{ who, seconds, size: memory / GIB }],
    );
  });
  const sizes = runs.map(({ memory }) => memory / GIB);
  return draw({
    marginLeft: 60,
    height: 420,
    x: { type: 'log', base: 2, label: 'memory, GiB', ticks: sizes, tickFormat: String },
    y: { type: 'log', label: 'seconds to classify all pages', grid: true, ticks: 5, tickFormat: '~s' },
    color: {
      domain: ['vmcore', 'makedumpfile', 'memory bandwidth', 'published (17.5 s/TiB)'],
      range: ['#2a9d5c', '#9aa0a6', '#1f6fb4', '#d9822b'],
      legend: true,
    },
    marks: [
      Plot.lineY(data, { x: 'size', y: 'seconds', stroke: 'who', z: 'who', strokeWidth: 2 }),
      Plot.dot(data, { x: 'size', y: 'seconds', fill: 'who', r: 4 }),
    ],
  });
}
