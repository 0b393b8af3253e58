// A dump by the firmware of s390x keeps the first memory in the hardware's save area: it is read, and never mapped.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { copiedBelow, isCopied } from '../../lib/access/copied-ranges.ts';
import { hsaBytes } from '../../lib/access/hsa.ts';
import { addBorders, mapBorders } from '../../lib/access/map-borders.ts';
import { accessProfile } from '../../lib/access/profile.ts';
import { CALL_COSTS, type ReadCosts } from '../../lib/access/read-plan.ts';
import type { Region } from '../../lib/access/region.ts';
import { type AccessPolicy, Slots } from '../../lib/access/slots.ts';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { makeExtents } from '../../lib/formats/extents.ts';
import { openVmcore } from '../../lib/index.ts';
import { PhysicalMemory } from '../../lib/memory/physical.ts';
import { calibrateOn } from '../../lib/pipeline/calibrate-on.ts';
import { PageReader } from '../../lib/pipeline/page-reader.ts';
import { planPages } from '../../lib/pipeline/read-planner.ts';
import { PAGE, patternAt } from '../native/support.ts';
import { ObservedSource } from '../pipeline/observed-source.ts';
import { pagesOf } from '../pipeline/pages-of.ts';
import { buildS390xCore } from '../support/s390x-core.ts';

/** What /proc/vmcore is in the capture kernel of such a dump. */
class FirmwareDump extends ObservedSource {
  override readonly mapping = 'eager';
  maps = 0;
  /** Maps that begin in the save area, or reach into it. */
  readonly wrongMaps: string[] = [];

  override map(position: number, length: number): Region {
    this.maps++;
    if (position < HSA_END && position + length > HSA_START) this.wrongMaps.push(`${position}+${length}`);
    return super.map(position, length);
  }
}

/** Headers of two pages, then memory: 600 pages of it are in the save area, and some in a segment of its own. */
const PAGES = 2000;
const HSA_PAGES = 600;
const HEADERS = 2;
const HSA_START = HEADERS * PAGE;
const HSA_END = (HEADERS + HSA_PAGES) * PAGE;
const segments = [
  { offset: HEADERS * PAGE, fileSize: 500 * PAGE, paddr: 0 },
  { offset: (HEADERS + 500) * PAGE, fileSize: (PAGES - 500) * PAGE, paddr: 500 * PAGE },
];
const extents = makeExtents(
  segments.map(({ offset, fileSize, paddr }) => ({ start: paddr, end: paddr + fileSize, offset })),
);
const contents = Uint8Array.from({ length: (HEADERS + PAGES) * PAGE }, (_, i) => patternAt(i));
/** Maps cost nothing: whatever may be mapped is. */
const MAPS_ARE_FREE: ReadCosts = { mapCall: 0, mapPage: 0, touchPage: 0, readCall: 1e6, readPage: 1e6 };

function open(access: AccessPolicy) {
  const source = new FirmwareDump(contents);
  const copied = copiedBelow(extents, HSA_PAGES * PAGE);
  const borders = addBorders(mapBorders(source, segments), copied);
  return { source, copied, profile: accessProfile(source, { access }, borders, copied) };
}

function machine(t: Test, files: Readonly<Record<string, string>>): string {
  const root = `${t.testdir()}/`;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

t.setTimeout(600_000);

t.test('the machine tells whether there is such memory, and how much', async (t) => {
  const type = 'sys/firmware/ipl/ipl_type';
  const zcore = 'sys/kernel/debug/zcore/hsa';
  const cases: [string, Record<string, string>, number][] = [
    ['no s390x', {}, 0],
    ['kdump', { [type]: 'fcp\n', [zcore]: '20000000\n' }, 0],
    ['a zfcp dump', { [type]: 'fcp_dump\n', [zcore]: '2000000\n' }, 32 << 20],
    ['an nvme dump', { [type]: 'nvme_dump\n', [zcore]: '20000000\n' }, 512 << 20],
    ['released: nothing can be mapped there as before', { [type]: 'fcp_dump\n', [zcore]: '0\n' }, 512 << 20],
    ['without debugfs: the largest there is', { [type]: 'eckd_dump\n' }, 512 << 20],
  ];
  for (const [what, files, bytes] of cases) {
    await t.test(what, async (t) => t.equal(hsaBytes(machine(t, files)), bytes));
  }
});

t.test('its places in the file', async (t) => {
  const copied = copiedBelow(extents, HSA_PAGES * PAGE);
  t.same([...copied!], [HSA_START, HSA_END], 'two segments that lie together are one range');
  t.same(
    [0, HSA_START - 1, HSA_START, HSA_END - 1, HSA_END].map((at) => isCopied(copied, at)),
    [false, false, true, true, false],
  );
  t.equal(copiedBelow(extents, 0), undefined);
  t.equal(isCopied(undefined, 0), false);
  const apart = makeExtents([
    { start: 0, end: PAGE, offset: 10 * PAGE },
    { start: PAGE, end: 2 * PAGE, offset: -1 },
    { start: 2 * PAGE, end: 4 * PAGE, offset: 2 * PAGE + 1 },
  ]);
  t.same(
    [...copiedBelow(apart, 3 * PAGE)!],
    [2 * PAGE, 4 * PAGE, 10 * PAGE, 11 * PAGE],
    'whole pages, ascending',
  );
});

for (const access of ['auto', 'mmap', 'read'] as const) {
  t.test(`with access '${access}' no map touches it`, async (t) => {
    const { source, profile } = open(access);
    const slots = new Slots(source, profile.memory);
    const into = new Uint8Array(PAGE);
    for (let page = 0; page < HEADERS + PAGES; page += 7) {
      slots.read(page * PAGE, into);
      if (into[9] !== patternAt(page * PAGE + 9)) t.fail(`page ${page}`);
    }
    const memory = new PhysicalMemory(source, extents, false, profile.memory);
    for (const page of [0, 499, 599, 600, 1999]) {
      t.equal(
        memory.withWindow(page * PAGE, PAGE, (bytes) => bytes[3]),
        patternAt((HEADERS + page) * PAGE + 3),
      );
    }
    for (const costs of [MAPS_ARE_FREE, CALL_COSTS]) {
      const planner = { extents, pageSize: PAGE, costs, limits: profile.limits('calls', 1) };
      const bitmap = new PageBitmap(PAGES);
      bitmap.set(0, 300);
      bitmap.set(310, PAGES);
      const reader = new PageReader({ source, ...planner });
      let pages = 0;
      for (const piece of reader.pieces(planPages(bitmap, planner))) {
        for (const { pfn, page } of pagesOf(piece, PAGE)) {
          if (page[0] !== patternAt((HEADERS + pfn) * PAGE)) t.fail(`page ${pfn}`);
          pages++;
        }
      }
      t.equal(pages, PAGES - 10);
    }
    t.same(source.wrongMaps, []);
    t.equal(source.maps > 0, access !== 'read', 'what lies behind it is mapped');
  });
}

t.test('nor is it touched to measure what maps cost', async (t) => {
  const { source, profile } = open('auto');
  const bitmap = new PageBitmap(PAGES);
  bitmap.set(0, PAGES);
  calibrateOn(source, bitmap, extents, PAGE, profile.limits('time', 1));
  t.ok(source.maps > 0);
  t.same(source.wrongMaps, []);
});

t.test('a core is dumped to the same bytes, with it and without', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'core');
  const { elf } = buildS390xCore({ memoryPages: 6144 });
  writeFileSync(path, elf);
  const dump = async (name: string, options: { hsaBytes?: number; access?: AccessPolicy }, workers = 0) => {
    await using core = await openVmcore(path, options);
    await core.dump(join(folder, name), { level: 1, compression: 'none', workers });
    return { bytes: readFileSync(join(folder, name)), mapped: core.counters.mapBytes };
  };
  const plain = await dump('plain', { access: 'mmap' });
  for (const workers of [0, 2]) {
    const hsa = await dump(`hsa${workers}`, { access: 'mmap', hsaBytes: 16 << 20 }, workers);
    t.ok(hsa.bytes.equals(plain.bytes));
    t.ok(hsa.mapped <= plain.mapped - (8 << 20), `${hsa.mapped} bytes mapped, of ${plain.mapped}`);
  }
  await t.rejects(openVmcore(path, { hsaBytes: -1 }), { code: 'ERR_VMCORE_ARGUMENT' });
});
