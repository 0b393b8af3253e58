import t from 'tap';
import { formatBytes, formatCount, formatDuration, formatRows } from '../../lib/cli/format.ts';

t.test('quantities for people', async (t) => {
  t.strictSame([0, 1023, 1024, 1536, 2 ** 30, 2 ** 52].map(formatBytes), [
    '0 bytes',
    '1023 bytes',
    '1.0 KiB',
    '1.5 KiB',
    '1.0 GiB',
    '4096.0 TiB',
  ]);
  t.strictSame([0, 999, 1000, 55051, 1234567].map(formatCount), ['0', '999', '1,000', '55,051', '1,234,567']);
  t.strictSame([0.4249, 9.996, 59.4, 125, 12000].map(formatDuration), [
    '0.42 s',
    '10.00 s',
    '59 s',
    '2 min 5 s',
    '3 h 20 min',
  ]);
});

t.test('rows are aligned, and those without a text left out', async (t) => {
  t.equal(
    formatRows([
      ['a', '1'],
      ['long', '2'],
      ['none', undefined],
    ]),
    'a     1\nlong  2\n',
  );
});
