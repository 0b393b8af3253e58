import t from 'tap';
import { native } from '../../lib/access/native.ts';
import { openSource, PAGE, patternFile } from './support.ts';

const PAGES = 16;
const READINGS = 5;
const file = patternFile(t.testdir(), PAGES * PAGE);

t.test('every whole page of a window or an array is timed', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, PAGES * PAGE);
  const arrays = [
    new Uint8Array(region.window(0, region.length)),
    new Uint8Array(PAGES * PAGE + PAGE - 1),
    new Uint8Array(PAGES * PAGE + 3).subarray(3),
  ];
  for (const bytes of arrays) {
    const into = new Float64Array((PAGES + 1) * READINGS).fill(-1);
    t.equal(native().touch(bytes, into), PAGES);
    const readings = into.subarray(0, PAGES * READINGS);
    t.ok(readings.every((cycles) => cycles >= 0 && Number.isInteger(cycles)));
    t.ok(
      into.subarray(PAGES * READINGS).every((cycles) => cycles === -1),
      'nothing is written behind them',
    );
  }
  region.unmap();
});

t.test('a line is as long as the machine has them', async (t) => {
  t.equal(native().lineSize, process.arch === 's390x' ? 256 : 64);
});

t.test('no page, no reading', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, PAGE);
  const unmapped = new Uint8Array(region.window(0, PAGE));
  region.unmap();
  for (const bytes of [new Uint8Array(PAGE - 1), new Uint8Array(0), unmapped]) {
    t.equal(native().touch(bytes, new Float64Array(0)), 0);
  }
});

t.test('wrong arguments are errors', async (t) => {
  const { touch } = native();
  const page = new Uint8Array(PAGE);
  const readings = new Float64Array(READINGS);
  t.throws(() => Reflect.apply(touch, undefined, [new Uint32Array(PAGE), readings]), TypeError);
  t.throws(() => Reflect.apply(touch, undefined, [page, new Float32Array(READINGS)]), TypeError);
  t.throws(() => Reflect.apply(touch, undefined, []), TypeError);
  t.throws(() => touch(page, new Float64Array(READINGS - 1)), RangeError);

  using opened = openSource(file);
  const region = opened.source.map(0, PAGE);
  t.throws(() => touch(page, new Float64Array(region.window(0, PAGE))), RangeError);
  region.unmap();
});
