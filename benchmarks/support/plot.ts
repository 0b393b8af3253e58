import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const WIDTH = 860;

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** Plots as HTML: an SVG, and where colours need one a legend above it. */
export function draw(options: Plot.PlotOptions): string {
  const style = { fontSize: '13px', fontFamily: 'inherit', overflow: 'visible' };
  return Plot.plot({ document, width: WIDTH, style, marginTop: 50, marginBottom: 50, ...options }).outerHTML;
}
