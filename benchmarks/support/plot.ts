import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const WIDTH = 860;

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/** A plot as an SVG file, or where colours need a legend as HTML with both. */
export function draw(options: Plot.PlotOptions): string {
  const style = { fontSize: '13px', fontFamily: 'inherit', overflow: 'visible' };
  const plot = Plot.plot({ document, width: WIDTH, style, marginTop: 50, marginBottom: 50, ...options });
  // Within HTML nobody needs it.
  if (plot.tagName.toLowerCase() === 'svg') plot.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return plot.outerHTML;
}
