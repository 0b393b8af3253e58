import t from 'tap';
import { checkDumpLevel } from '../../lib/filter/dump-level.ts';

t.test('a dump level is an integer from 0 to 31', async (t) => {
  t.same(
    [0, 16, 31].map((level) => checkDumpLevel(level)),
    [0, 16, 31],
  );
  for (const level of [-1, 32, 1.5, Number.NaN, '31', 31n, null, undefined]) {
    t.throws(() => checkDumpLevel(level), { code: 'ERR_VMCORE_ARGUMENT' }, String(level));
  }
});
