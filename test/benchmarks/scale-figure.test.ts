import { parseHTML } from 'linkedom';
import t from 'tap';
import { scaleFigure } from '../../benchmarks/scale/figure.ts';

const run = (gib: number, seconds: number, theirs: number) => ({
  memory: gib * 2 ** 30,
  memMap: gib * 2 ** 24,
  ours: seconds,
  theirs,
  floor: seconds / 10,
  copy: 1,
  own: 1,
  mapped: 1,
  differences: [],
});

t.test('an SVG file with a named line for each of what is compared', async (t) => {
  const svg = scaleFigure([run(1, 0.1, 0.2), run(2048, 6, 13)]);
  t.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  const { document } = parseHTML(svg);
  const texts = Array.from(document.querySelectorAll('text'), ({ textContent }) => textContent);
  for (const name of ['vmcore', 'makedumpfile', 'memory bandwidth', 'published (17.5 s/TiB)'])
    t.ok(texts.includes(name), name);
});

t.test('what was not run has no line', async (t) => {
  const { document } = parseHTML(scaleFigure([run(1, 0.1, Number.NaN), run(8, 0.2, Number.NaN)]));
  const texts = Array.from(document.querySelectorAll('text'), ({ textContent }) => textContent);
  t.notOk(texts.includes('makedumpfile'));
  t.ok(texts.includes('vmcore'));
});
