// A core that is cut off while it is read: an error, on any thread, and no byte that was not the core's.
import { once } from 'node:events';
import { copyFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { type AccessPolicy, openVmcore } from '../../lib/index.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { PAGE } from '../support/physical-image.ts';
import { readRawDump } from '../support/raw-dump.ts';
import { type TruncatingDump, truncatingDump } from './programs/truncating-dump.ts';
import { writeSmallCore } from './small-core.ts';

t.setTimeout(300_000);

const folder = t.testdir();
const original = writeSmallCore(folder, 'original');
const core = join(folder, 'core');
const dump = join(folder, 'dump');
/** Behind the last byte that is read from there. */
const end = original.offset + original.image;

/** What is written at a time: the first of it was, before the core was cut off. */
const BATCH_PAGES = 256;

/** The same core again, whole. */
function restore(): void {
  copyFileSync(original.path, core);
  rmSync(dump, { force: true });
}

/** In the middle and near the end, at the border of a page and within one; and nothing at all. */
const sizes: readonly (readonly [string, number])[] = [
  ['nothing', 0],
  ['half of it', original.offset + 4000 * PAGE],
  ['half of it and a part of a page', original.offset + 4000 * PAGE + 1000],
  ['all but a page', end - PAGE],
  ['all but some bytes', end - 100],
];

/** The error that each policy meets. A plan may both map and read. */
const codes: Readonly<Record<AccessPolicy, readonly string[]>> = {
  mmap: ['ERR_VMCORE_FAULT'],
  read: ['ERR_VMCORE_TRUNCATED'],
  auto: ['ERR_VMCORE_FAULT', 'ERR_VMCORE_TRUNCATED'],
};

function checkDump(t: Test, code: string, access: AccessPolicy): void {
  t.ok(codes[access].includes(code), code);
  const { isIncomplete, pages } = readRawDump(dump);
  t.ok(isIncomplete, 'marked incomplete');
  const present = [...pages].flatMap(([pfn, page]) => (page ? [[pfn, page] as const] : []));
  const wrong = present.filter(([pfn, page]) => !page.equals(memoryOf(pfn)));
  t.same(
    wrong.map(([pfn]) => pfn),
    [],
    'every page that is there is the core’s',
  );
  t.ok(present.length >= BATCH_PAGES, `${present.length} pages are there`);
}

function memoryOf(pfn: number): Uint8Array {
  return original.memory.subarray(pfn * PAGE, (pfn + 1) * PAGE);
}

async function inWorker(options: TruncatingDump): Promise<string> {
  const program = fileURLToPath(new URL('programs/truncating-dump.js', import.meta.url));
  const worker = new Worker(program, { workerData: options });
  // Both may be emitted in one go: who waits for the exit only after the message misses it.
  const [[code]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [
    [string],
    unknown,
  ];
  return code;
}

/** What is mapped when it is cut off. */
const limit = (access: string) => (access === 'read' ? {} : beyondEmulation('sigbus'));

for (const access of ['mmap', 'read', 'auto'] as const) {
  for (const [left, size] of sizes) {
    t.test(`${access}: ${left} is left of a core while it is dumped`, limit(access), async (t) => {
      restore();
      checkDump(t, await truncatingDump({ core, access, size, dump }), access);
    });
  }

  t.test(`${access}: half of a core is left while two workers copy it`, limit(access), async (t) => {
    restore();
    const size = original.offset + 4000 * PAGE + 1000;
    checkDump(t, await truncatingDump({ core, access, size, dump, workers: 2 }), access);
  });

  t.test(`${access}: part of a core is left while a worker dumps it`, limit(access), async (t) => {
    restore();
    checkDump(t, await inWorker({ core, access, size: original.offset + 5000 * PAGE + 10, dump }), access);
  });
}

t.test('the last bytes of a core that lost them are not zeros', beyondEmulation('sigbus'), async (t) => {
  const paddr = original.image - 200;
  for (const access of ['mmap', 'auto'] as const) {
    restore();
    await using opened = await openVmcore(core, { access });
    t.same(opened.readPhysical(paddr, 200), original.memory.subarray(paddr, paddr + 200), 'before');
    truncateSync(core, end - 100);
    t.same(opened.readPhysical(paddr, 90), original.memory.subarray(paddr, paddr + 90), 'what is left');
    t.throws(() => opened.readPhysical(paddr, 200), { code: 'ERR_VMCORE_FAULT' });
    t.throws(() => opened.withWindow(paddr, 200, (bytes) => bytes.slice()), { code: 'ERR_VMCORE_FAULT' });
  }
});

t.test(
  'reads of what was cut off fail, and those of the rest go on',
  beyondEmulation('sigbus'),
  async (t) => {
    const paddr = 2000 * PAGE;
    for (const [access, code] of [
      ['mmap', 'ERR_VMCORE_FAULT'],
      ['read', 'ERR_VMCORE_TRUNCATED'],
    ] as const) {
      restore();
      await using opened = await openVmcore(core, { access, slots: 1, regionBytes: 1 << 16 });
      truncateSync(core, original.offset + 1000 * PAGE);
      t.throws(() => opened.readPhysical(paddr, 8), { code });
      t.same(opened.readPhysical(0, 8), original.memory.subarray(0, 8));
    }
  },
);

t.test('classification of a core that lost its struct pages', beyondEmulation('sigbus'), async (t) => {
  for (const [access, code] of [
    ['mmap', 'ERR_VMCORE_FAULT'],
    ['read', 'ERR_VMCORE_TRUNCATED'],
  ] as const) {
    restore();
    await using opened = await openVmcore(core, { access });
    t.equal(opened.filterProblem, undefined);
    truncateSync(core, original.offset + original.kernelPfn * PAGE);
    await t.rejects(opened.classify(), { code });
  }
});
