import t from 'tap';
import { type Progress, progress, progressReporter } from '../../lib/pipeline/progress.ts';

t.test('rate and time left are means of the phase', async (t) => {
  const work = { pages: 250, totalPages: 1000, bytes: 3_000_000 };
  t.strictSame(progress('write', work, 1000, 3000), {
    phase: 'write',
    ...work,
    bytesPerSecond: 1_500_000,
    etaSeconds: 6,
  });
  t.equal(progress('write', { ...work, pages: 1000 }, 1000, 3000).etaSeconds, 0);
});

t.test('nothing is known at first', async (t) => {
  const first = progress('write', { pages: 0, totalPages: 10, bytes: 0 }, 5, 5);
  t.equal(first.bytesPerSecond, 0);
  t.equal(first.etaSeconds, undefined);
  t.equal(progress('write', { pages: 0, totalPages: 0, bytes: 0 }, 9, 5).bytesPerSecond, 0);
});

t.test('of many reports in a moment the first and the last are handed on', async (t) => {
  const seen: Progress[] = [];
  const report = progressReporter('write', 4096, (one) => seen.push(one));
  for (let pages = 1; pages <= 100; pages++) report(pages, 100);
  t.match(seen[0], { phase: 'write', pages: 1, totalPages: 100, bytes: 4096 });
  t.match(seen.at(-1), { pages: 100, bytes: 409_600 });
  t.ok(seen.length < 100, `${seen.length} reports`);
  progressReporter('write', 4096, undefined)(1, 1);
});
