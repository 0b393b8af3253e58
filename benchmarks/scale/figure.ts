import * as Plot from '@observablehq/plot';
import { draw } from '../support/plot.ts';
import type { ScaleRun } from './measure.ts';

const GIB = 2 ** 30;
const PUBLISHED = 17.5; // seconds for each TiB, HP DL980 G7: kexec list, 2013

const COLORS = {
  vmcore: '#2a9d5c',
  makedumpfile: '#6b7178',
  'memory bandwidth': '#1f6fb4',
  'published (17.5 s/TiB)': '#d9822b',
} as const;

/** Seconds of the classification by the size of memory, as an SVG file: a straight line where cost is linear. */
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
  const largest = data.filter(({ size }) => size === Math.max(...sizes));
  const color = ({ who }: (typeof data)[number]) => COLORS[who as keyof typeof COLORS];
  // Names are at the ends of the lines: with a legend it would be HTML.
  return draw({
    marginLeft: 60,
    marginRight: 170,
    height: 420,
    x: { type: 'log', base: 2, label: 'memory, GiB', ticks: sizes, tickFormat: String },
    y: { type: 'log', label: 'seconds to classify all pages', grid: true, ticks: 5, tickFormat: '~s' },
    marks: [
      Plot.lineY(data, { x: 'size', y: 'seconds', stroke: color, z: 'who', strokeWidth: 2 }),
      Plot.dot(data, { x: 'size', y: 'seconds', fill: color, r: 4 }),
      Plot.text(largest, { x: 'size', y: 'seconds', text: 'who', fill: color, textAnchor: 'start', dx: 10 }),
    ],
  });
}
