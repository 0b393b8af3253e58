import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import { measureCopies, measureFirstTouch, measureSlotHits } from '../../lib/bench/index.ts';
import { RawCore } from '../../lib/bench/raw-core.ts';

const { pageSize } = native();
const PAGES = 40;
const folder = t.testdir();
const path = join(folder, 'core');
writeFileSync(
  path,
  Uint8Array.from({ length: PAGES * pageSize + 100 }, (_, i) => i % 251),
);

t.test('every way brings the same whole pages into reach', async (t) => {
  using core = new RawCore(path, { regionBytes: 16 * pageSize });
  t.equal(core.bytes, PAGES * pageSize);
  t.same(core.ways, ['map', 'map-populated', 'pread']);
  for (const way of core.ways) {
    const called: number[] = [];
    const pieces = [];
    for (const bytes of core.pieces(way, undefined, (_, length) => called.push(length)))
      pieces.push(bytes.slice());
    t.ok(Buffer.concat(pieces).equals(readFileSync(path).subarray(0, core.bytes)), way);
    t.same(called, [16 * pageSize, 16 * pageSize, 8 * pageSize]);
  }
  t.equal(native().mappedBytes(), 0, 'nothing stays mapped');
});

t.test('nothing stays mapped when its user stops early', async (t) => {
  using core = new RawCore(path, { regionBytes: pageSize });
  for (const _ of core.pieces('map')) break;
  t.equal(native().mappedBytes(), 0);
});

t.test('each page is touched once in each way, order and round', async (t) => {
  const report = await measureFirstTouch(path, {
    regionBytes: 16 * pageSize,
    preadBytes: 4 * pageSize,
    rounds: 2,
  });
  t.equal(report.pages, PAGES);
  t.equal(report.linesPerPage, pageSize / native().lineSize);
  t.equal(report.ways.length, 6);
  for (const way of report.ways) {
    for (const kind of ['firstLine', 'otherLines', 'firstLineAgain', 'otherLinesAgain'] as const) {
      t.equal(way[kind].count, 2 * PAGES, `${way.order} ${way.way}: ${kind}`);
    }
    t.equal(way.call.count, 2 * (way.way === 'pread' ? 10 : 3));
  }
});

t.test('copies and hits are measured in every way', async (t) => {
  const { pages, ways } = await measureCopies(path, { regionBytes: 16 * pageSize, rounds: 2 });
  t.equal(pages, 2 * PAGES);
  t.same(
    ways.map(({ way }) => way),
    ['map', 'map-populated', 'pread', 'pread', 'pread'],
  );
  for (const { perPage } of ways) t.ok(perPage.wall > 0 && perPage.user >= 0 && perPage.system >= 0);
  const { costs } = measureSlotHits(path);
  t.equal(costs.length, 8);
  for (const { borrowed, copied } of costs) t.ok(borrowed > 0 && copied > 0);
  t.equal(native().mappedBytes(), 0);
});

t.test('what can not be measured is an error, and a signal ends it', async (t) => {
  await t.rejects(measureFirstTouch('/nonexistent'), { code: 'ERR_VMCORE_OPEN' });
  const wrong = [
    { regionBytes: 100 },
    { regionBytes: 32 << 20 },
    { regionBytes: 0 },
    { rounds: 0 },
    { rounds: 1.5 },
    { bytes: -pageSize },
    { bytes: 100 },
    { bytes: Number.NaN },
  ];
  for (const options of wrong) {
    const failure = { code: 'ERR_VMCORE_ARGUMENT', message: new RegExp(`^${Object.keys(options)[0]} `) };
    await t.rejects(measureCopies(path, options), failure, JSON.stringify(options));
    await t.rejects(measureFirstTouch(path, options), failure);
  }
  for (const preadBytes of [0, 100]) {
    await t.rejects(measureFirstTouch(path, { preadBytes }), { code: 'ERR_VMCORE_ARGUMENT' });
  }
  const short = join(folder, 'short');
  writeFileSync(short, 'less than a page');
  await t.rejects(measureCopies(short), { code: 'ERR_VMCORE_ARGUMENT', file: short });
  await t.rejects(measureCopies(path, { rounds: 10_000, signal: AbortSignal.timeout(50) }), {
    name: 'TimeoutError',
  });
});
