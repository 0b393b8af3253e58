import t from 'tap';
import { formatHistogram } from '../../benchmarks/first-touch/histogram.ts';
import { formatTable } from '../../benchmarks/support/table.ts';
import { distribution } from '../../lib/bench/index.ts';

t.test('a table is Markdown, numbers to the right', async (t) => {
  const table = formatTable(
    ['', 'calls', 'ratio'],
    [
      ['mmap', 1234567, 0.456],
      ['read', 8, Number.NaN],
    ],
  );
  t.same(table.split('\n'), [
    '|      |     calls | ratio |',
    '|------|----------:|------:|',
    '| mmap | 1 234 567 |  0.46 |',
    '| read |         8 |     - |',
  ]);
});

t.test('a histogram has a line for each doubling, with all readings in it', async (t) => {
  const readings = [0, 1, 2, 3, 4, 7, 8, 1000, 1023, 1024];
  const lines = formatHistogram(distribution(readings).histogram)
    .split('\n')
    .map((line) => [line.split('|')[0]?.trim(), line.trim().split(' ').at(-1)]);
  t.same(lines, [
    ['0', '2'],
    ['2', '2'],
    ['4', '2'],
    ['8', '1'],
    ['512', '2'],
    ['1024', '1'],
  ]);
});
