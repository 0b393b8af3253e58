// core.estimate() against dumps of real cores, whose sizes dry runs tell.
import t, { type Test } from 'tap';
import { openVmcore, type SizeEstimate, type Vmcore } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore, testCores } from '../support/cores.ts';
import { buildElfCore } from '../support/elf-builder.ts';
import { buildKdump } from '../support/kdump-builder.ts';

t.setTimeout(600_000);

const ALL = ['none', 'zlib', 'zstd', 'lzo', 'snappy'] as const;
const SEEDS = [1, 2];

/** An estimate and the size that it is of. */
interface Compared extends SizeEstimate {
  readonly real: number;
}

async function compare(
  core: Vmcore,
  levels: readonly number[],
  compressions: readonly (typeof ALL)[number][],
  seeds = SEEDS,
): Promise<Compared[]> {
  const real = new Map<string, number>();
  for (const level of levels) {
    for (const compression of compressions) {
      const { bytes } = await core.dump('not written', { level, compression, dryRun: true });
      real.set(`${level} ${compression}`, bytes);
    }
  }
  const compared: Compared[] = [];
  for (const seed of seeds) {
    const { sizes } = await core.estimate({ levels, compressions, seed });
    for (const size of sizes)
      compared.push({ ...size, real: real.get(`${size.level} ${size.compression}`)! });
  }
  return compared;
}

function isInside({ low, high, real }: Compared): boolean {
  return low <= real && real <= high;
}

function check(t: Test, all: readonly Compared[]): void {
  const estimates = all.filter(({ low, high }) => low !== high);
  const halves = estimates.map((size) => Math.max(size.high - size.bytes, size.bytes - size.low));
  t.comment(`${estimates.filter(isInside).length} of ${estimates.length} sizes are inside`);
  t.ok(
    estimates.every(({ bytes }, i) => halves[i]! <= 0.1 * bytes),
    'no interval is wider than 10 % to either side',
  );
  t.ok(
    estimates.every(({ bytes, real }, i) => Math.abs(bytes - real) <= 2 * halves[i]!),
    'none is far outside',
  );
  t.ok(all.filter(({ low, high }) => low === high).every(isInside), 'what is said to be exact is');
}

t.test('every codec, on the bundled cores', async (t) => {
  for (const { name, path } of [await bundledCore(), await bundledS390xCore()]) {
    await t.test(name, async (t) => {
      await using core = await openVmcore(path);
      const compared = await compare(core, [0, 1, 31], ALL);
      check(t, compared);
      t.ok(compared.filter(isInside).length >= 0.9 * compared.length, 'at least 9 of 10 are inside');
      const { headerBytes, sampledPages, bytes, real } = compared.find(
        ({ level, compression }) => level === 0 && compression === 'none',
      )!;
      t.strictSame({ sampledPages, bytes }, { sampledPages: 0, bytes: real }, 'raw pages need no sample');
      t.ok(headerBytes > 0 && headerBytes < bytes);
    });
  }
});

t.test('the cores of the lab', async (t) => {
  for (const { name, path } of (await testCores()).slice(1)) {
    await t.test(name, async (t) => {
      await using core = await openVmcore(path);
      check(t, await compare(core, [1, 31], ['none', 'zstd']));
    });
  }
});

t.test('a level of a dump adds to its own', async (t) => {
  const { path } = await bundledCore();
  const dump = `${t.testdir()}/dump`;
  await using core = await openVmcore(path);
  await core.dump(dump, { level: 31, compression: 'lzo' });
  await using again = await openVmcore(dump);
  const [size] = (await again.estimate({ levels: [1], compressions: ['zstd'] })).sizes;
  const { bytes } = await again.dump('not written', { level: 1, compression: 'zstd', dryRun: true });
  t.equal(size!.level, 31);
  t.ok(size!.low <= bytes && bytes <= size!.high, `${bytes} lies between ${size!.low} and ${size!.high}`);
});

t.test('what it reads is bounded, and the same every time', async (t) => {
  const { path } = await bundledCore();
  await using core = await openVmcore(path);
  await core.classify({ level: 1 });
  const before = core.counters;
  const options = { levels: [1], compressions: ['zstd'], precision: 0.001, maxPages: 5000 } as const;
  const first = await core.estimate(options);
  const { sampledPages, low, high, bytes } = first.sizes[0]!;
  t.ok(sampledPages <= 5000, `${sampledPages} pages`);
  t.ok(high - low > 0.002 * bytes, 'the interval is as wide as they make it, and says so');
  const reads = core.counters.preads - before.preads;
  t.ok(reads <= sampledPages + 500, `${reads} reads`);
  t.strictSame(await core.estimate(options), first);
});

t.test('a core that is smaller than a sample is read as a whole', async (t) => {
  const data = Buffer.concat([Buffer.alloc(5 * 4096), Buffer.alloc(7 * 4096, 'vmcore')]);
  await using core = await openVmcore(buildElfCore({ segments: [{ paddr: 0x100000, vaddr: 0n, data }] }));
  const report = await core.estimate();
  t.match(report.warnings, [/poisoned and offline pages could not be left out/]);
  t.strictSame([...new Set(report.sizes.map(({ level }) => level))], [0, 1], 'no VMCOREINFO, no level 31');
  for (const { level, compression, bytes, low, high } of report.sizes) {
    const real = (await core.dump('not written', { level, compression, dryRun: true })).bytes;
    t.strictSame({ bytes, low, high }, { bytes: real, low: real, high: real }, `${level}, ${compression}`);
  }
  await t.rejects(core.estimate({ levels: [31] }), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
});

t.test('an empty dump', async (t) => {
  const data = Buffer.alloc(4096);
  await using core = await openVmcore(buildElfCore({ segments: [{ paddr: 0, vaddr: 0n, data }] }));
  const { sizes } = await core.estimate({ levels: [1], compressions: ['zlib'], select: () => 'drop' });
  const [size] = sizes;
  t.match(size, { pages: 0, sampledPages: 0 });
  t.equal(size!.bytes, size!.headerBytes);
});

t.test('pages that can not be read have no size', async (t) => {
  const pages = new Map(Array.from({ length: 8 }, (_, pfn) => [pfn, Buffer.alloc(4096, `page ${pfn}`)]));
  const cutOff = buildKdump({
    maxMapnr: 8,
    pages,
    compression: () => 'zlib',
    descriptor: (pfn, at) => (pfn === 3 ? { ...at, size: at.size - 9 } : at),
  });
  await using core = await openVmcore(cutOff);
  const report = await core.dump('not written', { level: 1, compression: 'none', dryRun: true });
  t.equal(report.unreadablePages, 1);
  const { sizes } = await core.estimate({ levels: [1], compressions: ['none'] });
  t.equal(sizes[0]!.bytes, report.bytes);
});

t.test('progress, and an end before the end', async (t) => {
  const { path } = await bundledCore();
  await using core = await openVmcore(path);
  const phases = new Set<string>();
  await core.estimate({ levels: [31], compressions: ['lzo'], onProgress: ({ phase }) => phases.add(phase) });
  t.strictSame([...phases], ['classify', 'sample']);
  const controller = new AbortController();
  const reason = new Error('enough');
  const onProgress = ({ phase }: { phase: string }) => {
    if (phase === 'sample') controller.abort(reason);
  };
  const options = { levels: [1], precision: 0.001, signal: controller.signal, onProgress };
  await t.rejects(core.estimate(options), reason);
  await t.rejects(core.estimate({ signal: AbortSignal.abort(reason) }), reason);
});

t.test('what can not be estimated is refused', async (t) => {
  const { path } = await bundledCore();
  await using core = await openVmcore(path);
  const wrong: Parameters<Vmcore['estimate']>[0][] = [
    { levels: [] },
    { levels: [32] },
    { compressions: [] },
    { compressions: ['lzo'], compressionLevel: 2 },
    { precision: 0 },
    { maxPages: 100 },
    { seed: 0 },
  ];
  for (const options of wrong) {
    await t.rejects(core.estimate(options), { code: 'ERR_VMCORE_ARGUMENT' }, JSON.stringify(options));
  }
});
