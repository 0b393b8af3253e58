import t from 'tap';
import { progress } from '../../lib/pipeline/progress.ts';

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
