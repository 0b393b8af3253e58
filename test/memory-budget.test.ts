// A memory budget is kept: regions and batches get smaller until all fits, and what can't fit is refused with the least
// that works.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { MemoryBudget, PLAIN_DUMP } from '../lib/access/memory-budget.ts';
import { accessProfile } from '../lib/access/profile.ts';
import { type DumpOptions, type OpenOptions, openVmcore, VmcoreError } from '../lib/index.ts';
import { FakeSource } from './access/fake-source.ts';
import { bundledCore } from './support/cores.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const MIB = 1 << 20;
const { path } = await bundledCore();
const folder = mkdtempSync(join(tmpdir(), 'vmcore-budget-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const output = join(folder, 'dump');

/** The least that an error names. */
async function leastOf(refused: Promise<unknown>): Promise<number> {
  const error: unknown = await refused.catch((caught: unknown) => caught);
  if (!(error instanceof VmcoreError) || error.code !== 'ERR_VMCORE_ARGUMENT') throw error;
  return Number(/at least (\d+) are needed/.exec(error.message)?.[1]);
}

/** Bytes of buffers, when those that tests before have dropped are gone: they are freed some turns after a collection. */
async function buffersInUse(): Promise<number> {
  for (let turn = 0; turn < 10; turn++) {
    collectGarbage();
    await nextTurn();
  }
  return process.memoryUsage().arrayBuffers;
}

async function dump(file: string, open: OpenOptions, options: DumpOptions = {}) {
  await using core = await openVmcore(file, open);
  const report = await core.dump(output, { workers: 0, compression: 'zlib', force: true, ...options });
  return { report, counters: core.counters, bytes: readFileSync(output) };
}

for (const access of ['auto', 'mmap', 'read'] as const) {
  t.test(`the least that works, ${access}`, async (t) => {
    const least = await leastOf(openVmcore(path, { access, memoryBudget: 0 }));
    t.equal(
      await leastOf(openVmcore(path, { access, memoryBudget: least - 1 })),
      least,
      'a byte less does not',
    );
    const whole = await dump(path, { access });
    const small = await dump(path, { access, memoryBudget: least });
    t.ok(small.bytes.equals(whole.bytes), 'the dump is the same');
    t.ok(
      small.counters.mappedHighWater < least,
      `${small.counters.mappedHighWater} of ${least} bytes mapped`,
    );
    t.comment(`${(least / MIB).toFixed(1)} MiB`);
  });
}

t.test('what takes more needs more, which the dump says before it makes a file', async (t) => {
  const memoryBudget = await leastOf(openVmcore(path, { memoryBudget: 0 }));
  await using core = await openVmcore(path, { memoryBudget });
  const cases: Record<string, DumpOptions> = {
    'an ELF core': { format: 'elf', compression: 'none' },
    threads: { workers: 2 },
    selected: { select: () => undefined },
  };
  for (const [name, options] of Object.entries(cases)) {
    const least = await leastOf(core.dump(join(folder, name), options));
    t.ok(least > memoryBudget, `${name}: ${least}`);
    const { complete } = await core.dump(join(folder, name), { ...options, memoryBudget: least });
    t.equal(complete, true, 'a budget of its own');
  }
  const split = [0, 1, 2].map((i) => join(folder, `part${i}`));
  t.ok((await leastOf(core.dump(split))) > memoryBudget);
});

t.test('a compressed dump as a core', async (t) => {
  const kdump = join(folder, 'kdump');
  await using core = await openVmcore(path);
  await core.dump(kdump, { level: 1, compression: 'zlib' });
  const memoryBudget = await leastOf(openVmcore(kdump, { memoryBudget: 0 }));
  const [whole, small] = [await dump(kdump, {}), await dump(kdump, { memoryBudget })];
  t.ok(small.bytes.equals(whole.bytes));
  t.ok(small.counters.mappedHighWater < memoryBudget);
});

t.test('buffers and mapped memory are never more than the budget', async (t) => {
  for (const level of [0, 31]) {
    const before = await buffersInUse();
    const memoryBudget = await leastOf(openVmcore(path, { memoryBudget: 0 }));
    await using core = await openVmcore(path, { memoryBudget });
    let most = 0;
    const measure = () => {
      collectGarbage();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before + core.counters.mapped);
    };
    const report = await core.dump(output, { level, force: true, workers: 0, onProgress: measure });
    t.equal(report.complete, true);
    t.ok(most > 0 && most <= memoryBudget, `level ${level}: ${most} of ${memoryBudget}`);
  }
});

t.test('bitmaps take no more of it, however much memory the core has', (t) => {
  const source = new FakeSource(2 ** 30, () => 0);
  const profile = (scale: number) => accessProfile(source, {}, undefined, undefined, scale);
  const memoryBudget = 96 * MIB;
  for (const tib of [2, 64, 4096]) {
    const core = { source, pageSize: 4096, bitmapBytes: tib * 32 * MIB, heldBytes: 0, profile };
    const budget = new MemoryBudget(core, memoryBudget);
    const { piecePages } = budget.fit(PLAIN_DUMP, { workers: 0 });
    t.equal(piecePages / 8, memoryBudget / 8 / PLAIN_DUMP.bitmaps, `${tib} TiB`);
    const whole = { ...PLAIN_DUMP, inPieces: false };
    t.throws(() => budget.fit(whole, { workers: 0 }), { code: 'ERR_VMCORE_ARGUMENT' }, 'all of them do');
  }
  const small = { source, pageSize: 4096, bitmapBytes: MIB, heldBytes: 0, profile };
  t.ok(new MemoryBudget(small, memoryBudget).fit(PLAIN_DUMP, { workers: 0 }).piecePages >= 8 * MIB);
  t.end();
});

t.test('what is no number of bytes', async (t) => {
  for (const memoryBudget of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await t.rejects(openVmcore(path, { memoryBudget }), { code: 'ERR_VMCORE_ARGUMENT' });
  }
});
