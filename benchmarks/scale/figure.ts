import * as Plot from '@observablehq/plot';
import { draw } from '../support/plot.ts';
import type { ScaleRun } from './measure.ts';

const GIB = 2 ** 30;
const PUBLISHED = 17.5; // seconds for each TiB, HP DL980 G7: kexec list, 2013

/** Seconds of the classification by the size of memory, as an SVG file: a straight line where cost is linear. */
export function scaleFigure(runs: readonly ScaleRun[]): string {
  const data = runs.flatMap(({ memory, ours, theirs, floor }) => {
    const size = memory / GIB;
    const all = [
      { who: 'vmcore', color: '#2a9d5c', seconds: ours, size },
      { who: 'makedumpfile', color: '#6b7178', seconds: theirs, size },
      { who: 'memory bandwidth', color: '#1f6fb4', seconds: floor, size },
      { who: 'published (17.5 s/TiB)', color: '#d9822b', seconds: (PUBLISHED * size) / 1024, size },
    ];
    return all.filter(({ seconds }) => !Number.isNaN(seconds));
  });
  const sizes = runs.map(({ memory }) => memory / GIB);
  const largest = data.filter(({ size }) => size === Math.max(...sizes));
  // Names are at the ends of the lines: with a legend it would be HTML.
  return draw({
    marginLeft: 60,
    marginRight: 170,
    height: 420,
    x: { type: 'log', base: 2, label: 'memory, GiB', ticks: sizes, tickFormat: String },
    y: { type: 'log', label: 'seconds to classify all pages', grid: true, ticks: 5, tickFormat: '~s' },
    marks: [
      Plot.lineY(data, { x: 'size', y: 'seconds', stroke: 'color', z: 'who', strokeWidth: 2 }),
      Plot.dot(data, { x: 'size', y: 'seconds', fill: 'color', r: 4 }),
      Plot.text(largest, {
        x: 'size',
        y: 'seconds',
        text: 'who',
        fill: 'color',
        textAnchor: 'start',
        dx: 10,
      }),
    ],
  });
}
