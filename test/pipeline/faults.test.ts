// Calls that fail: what can be read some other way is in the dump, what can't is named, and nothing becomes zeros.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  type DumpOptions,
  type DumpReport,
  isVmcoreError,
  type OpenOptions,
  openVmcore,
  type ReadCosts,
} from '../../lib/index.ts';
import { readThroughLibkdumpfile } from '../output/memory.ts';
import { type CoreCall, type Faults, type InjectedFaults, injectFaults } from '../support/faulty-addon.ts';
import { oracle } from '../support/oracles.ts';
import { PAGE } from '../support/physical-image.ts';
import { readRawDump } from '../support/raw-dump.ts';
import { writeSmallCore } from './small-core.ts';

t.setTimeout(600_000);

const folder = t.testdir();
const core = writeSmallCore(folder);
const file = join(folder, 'dump');

/** Few preads, where there is a choice: two calls for a map, and none of them free. */
const costs: ReadCosts = { mapCall: 10, mapPage: 0, touchPage: 0, readCall: 12, readPage: 1 };

/** Short regions, so that there are many calls. */
const ways: readonly OpenOptions[] = [
  { access: 'auto', regionBytes: 1 << 20 },
  { access: 'mmap', regionBytes: 1 << 20 },
  { access: 'read', regionBytes: 1 << 20 },
];

interface Dumped {
  readonly report: DumpReport;
  readonly bytes: Buffer;
  readonly calls: InjectedFaults;
}

/** A dump of level 31 while calls fail. It replaces the one before. */
async function dump(way: OpenOptions, faults: Faults = {}, options: DumpOptions = {}): Promise<Dumped> {
  rmSync(file, { force: true });
  using calls = injectFaults(faults);
  await using opened = await openVmcore(core.path, way);
  const report = await opened.dump(file, { compression: 'none', costs, ...options });
  return { report, bytes: readFileSync(file), calls };
}

function nth<T>(index: number, fault: T): (call: CoreCall) => T | undefined {
  return (call) => (call.index === index ? fault : undefined);
}

for (const way of ways) {
  const { access } = way;
  t.test(
    `${access}: a map that fails is made in parts, or read`,
    { skip: access === 'read' && 'maps nothing' },
    async (t) => {
      const sound = await dump(way);
      const { maps } = sound.calls;
      t.ok(maps.length > 4, `${maps.length} maps`);
      const codes = ['EAGAIN', 'ENOMEM', 'EINVAL'];
      for (const { index } of maps) {
        const code = codes[index % codes.length]!;
        const { bytes, report } = await dump(way, { map: nth(index, code) });
        t.ok(bytes.equals(sound.bytes), `${code} at map ${index}: the same dump`);
        t.same(report.mapFailures, { [code]: 1 }, 'which is in the report');
      }
      for (const code of codes) {
        const { bytes, report, calls } = await dump(way, { map: () => code });
        t.ok(bytes.equals(sound.bytes), `${code} at every map: the same dump`);
        t.same(report.mapFailures, { [code]: calls.maps.length });
      }
    },
  );

  t.test(`${access}: a pread that returns less is continued`, async (t) => {
    const sound = await dump(way);
    const limits = [1, 1000, PAGE + 1];
    for (const { index } of sound.calls.preads) {
      const limit = limits[index % limits.length]!;
      const { bytes, report } = await dump(way, { pread: nth(index, limit) });
      t.ok(bytes.equals(sound.bytes), `${limit} bytes at pread ${index}`);
      t.ok(report.complete);
    }
    const { bytes } = await dump(way, { pread: ({ length }) => Math.ceil(length / 2) });
    t.ok(bytes.equals(sound.bytes), 'half of what was asked for at every pread');
  });

  t.test(`${access}: a pread that fails once costs nothing`, async (t) => {
    const sound = await dump(way);
    const opening = await callsOfOpening(way);
    for (const { index } of sound.calls.preads) {
      const dumped = dump(way, { pread: nth(index, 'EIO') });
      if (index < opening) {
        await t.rejects(dumped, { code: 'ERR_VMCORE_IO', cause: { code: 'EIO' } }, `headers: pread ${index}`);
        continue;
      }
      const { bytes, report } = await dumped;
      t.ok(bytes.equals(sound.bytes), `pread ${index}: the same dump`);
      t.ok(report.complete);
    }
  });

  t.test(`${access}: data that can't be read is named, and the rest is there`, async (t) => {
    const sound = readSound(await dump(way));
    for (const bad of [0, 9, 100, 1000, 2000, 2047].map((pfn) => nextIn(sound, pfn))) {
      const { report } = await dump(way, unreadable(core.offset + bad * PAGE, PAGE));
      t.match(report, {
        complete: false,
        unreadablePages: 1,
        unreadable: [{ pfn: bad, error: { code: 'ERR_VMCORE_IO' } }],
      });
      const { isIncomplete, pages } = readRawDump(file);
      t.ok(isIncomplete, 'marked incomplete');
      t.same([...pages.keys()], [...sound.keys()], 'the same pages');
      const wrong = [...pages].filter(([pfn, page]) =>
        pfn === bad ? page !== undefined : !page?.equals(sound.get(pfn)!),
      );
      t.same(wrong, [], `all but page ${bad} as they are`);
      await t.rejects(
        dump(way, unreadable(core.offset + bad * PAGE, PAGE), { strict: true }),
        { code: 'ERR_VMCORE_IO' },
        'strict',
      );
    }
  });

  t.test(`${access}: a bad place anywhere in memory loses only what is there`, async (t) => {
    const sound = readSound(await dump(way));
    for (const bad of placesInMemory()) {
      const faults = unreadable(core.offset + bad * PAGE, PAGE);
      const { report } = await dump(way, faults).catch((error: unknown) => {
        // Nothing says where the struct pages are: then only a dump of everything can be made.
        if (!isVmcoreError(error, 'ERR_VMCORE_IO')) throw error;
        return dump(way, faults, { level: 0 });
      });
      const { pages } = readRawDump(file);
      const lost = [...sound.keys()].filter((pfn) => !pages.has(pfn));
      const wrong = [...pages].filter(([pfn, page]) => (page ? !page.equals(memoryOf(pfn)) : pfn !== bad));
      t.same(
        { lost, wrong: wrong.map(([pfn]) => pfn) },
        { lost: [], wrong: [] },
        `page ${bad}, level ${report.level}`,
      );
      // The kernel's image is in the file twice, and read from its first place.
      t.equal(report.complete, ![...pages.values()].includes(undefined));
    }
  });
}

t.test('libkdumpfile reads the rest', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const sound = readSound(await dump(ways[0]!));
  const bad = nextIn(sound, 501);
  await dump(ways[0]!, unreadable(core.offset + bad * PAGE, PAGE));
  const pfns = [bad - 1, bad, bad + 1];
  const read = await readThroughLibkdumpfile(file, pfns);
  t.equal(read[bad], 'CorruptException');
  t.match(read, { [bad - 1]: /^[0-9a-f]{64}$/, [bad + 1]: /^[0-9a-f]{64}$/ });
});

/** Some page frames everywhere, and the first of the kernel's. */
function placesInMemory(): number[] {
  const scattered = Array.from({ length: 20 }, (_, i) => 5 + i * 397);
  const tables = Array.from({ length: 20 }, (_, i) => core.kernelPfn + i);
  return [...scattered, ...tables];
}

/** The preads that opening makes: without headers there is no core. */
async function callsOfOpening(way: OpenOptions): Promise<number> {
  using calls = injectFaults({});
  await using _ = await openVmcore(core.path, way);
  return calls.preads.length;
}

function readSound({ report }: Dumped): Map<number, Buffer> {
  if (!report.complete) throw new Error('the dump should be complete');
  return new Map([...readRawDump(file).pages].map(([pfn, page]) => [pfn, page!]));
}

function nextIn(pages: ReadonlyMap<number, Buffer>, from: number): number {
  for (let pfn = from; ; pfn++) if (pages.has(pfn)) return pfn;
}

function memoryOf(pfn: number): Uint8Array {
  return core.memory.subarray(pfn * PAGE, (pfn + 1) * PAGE);
}

/** Neither maps nor preads reach this part of the file. */
function unreadable(start: number, length: number): Faults {
  const touches = (call: CoreCall) => call.position < start + length && call.position + call.length > start;
  return {
    map: (call) => (touches(call) ? 'EINVAL' : undefined),
    pread: (call) => (touches(call) ? 'EIO' : undefined),
  };
}
