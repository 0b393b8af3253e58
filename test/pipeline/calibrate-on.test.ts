// What reading a core costs is measured where its pages lie, also where the host can't map from each of them.
import t from 'tap';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { makeExtents } from '../../lib/formats/extents.ts';
import { calibrateOn } from '../../lib/pipeline/calibrate-on.ts';
import { ObservedSource } from './observed-source.ts';

const PAGE = 4096;
/** Pages of memory, behind a header of one page. */
const PAGES = 1024;
const contents = new Uint8Array((1 + PAGES) * PAGE);

/** Costs on a host with such pages: a map is refused that does not begin and end at them. */
function calibrateOnHost(hostPage: number, extentStart = PAGE) {
  const source = new ObservedSource(contents, true, hostPage);
  const extents = makeExtents([{ start: 0, end: PAGES * PAGE - (extentStart % PAGE), offset: extentStart }]);
  const kept = new PageBitmap(PAGES);
  kept.set(0, PAGES);
  const costs = calibrateOn(source, kept, extents, PAGE, { map: PAGES * PAGE, pread: PAGE, hostPage });
  return { costs, maps: source.mapLengths.length };
}

for (const hostPage of [PAGE, 16 * PAGE]) {
  t.test(`costs are measured on a host with pages of ${hostPage} bytes`, async (t) => {
    const { costs, maps } = calibrateOnHost(hostPage);
    t.ok(costs, 'eight stretches of the one run are found');
    t.ok(maps > 0);
  });
}

t.test('where no page of the core begins at one of the file nothing is measured', async (t) => {
  t.strictSame(calibrateOnHost(PAGE, PAGE + 100), { costs: undefined, maps: 0 });
});
