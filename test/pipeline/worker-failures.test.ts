// Worker threads that fail, are ended or run out of memory, and dumps that are: an error at once, a dump that is marked
// incomplete, and nothing of any thread stays.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { type DumpOptions, isVmcoreError, openVmcore, type Progress, type Vmcore } from '../../lib/index.ts';
import { run } from '../support/oracles.ts';
import { readRawDump } from '../support/raw-dump.ts';
import { countedDump, type DumpedCore, programPath } from './counted-dump.ts';
import { descriptors, mappedBytes, threads } from './process-state.ts';
import { writeSmallCore } from './small-core.ts';

t.setTimeout(300_000);

const folder = t.testdir();
const { path } = writeSmallCore(folder);
const output = join(folder, 'dump');
const OPTIONS = { access: 'mmap', regionBytes: 1 << 20 } as const;
const DUMP: DumpOptions = { level: 0, compression: 'none', workers: 2, force: true };

/** The threads that `work` starts. */
async function startedWorkers(work: (started: readonly Worker[]) => Promise<void>): Promise<void> {
  const started: Worker[] = [];
  const add = (worker: Worker) => void started.push(worker);
  process.on('worker', add);
  try {
    await work(started);
  } finally {
    process.off('worker', add);
  }
}

/** Calls `act` once, when pages are being copied. */
function whileCopying(act: () => void): (progress: Progress) => void {
  let isDone = false;
  return ({ phase }) => {
    if (phase !== 'write' || isDone) return;
    isDone = true;
    act();
  };
}

/** Runs a dump that fails while its pages are copied: of its workers nothing stays. */
async function failingDump(
  t: Test,
  fail: (core: Vmcore, started: readonly Worker[]) => Promise<unknown>,
  expected: { code: string; cause?: { name?: string; message?: string } } | { name: string },
): Promise<void> {
  const core = await openVmcore(path, OPTIONS);
  await core.dump('/dev/null', DUMP);
  const before = { threads: threads(), mapped: mappedBytes(path) };
  await startedWorkers(async (started) => {
    await t.rejects(fail(core, started), expected);
    t.equal(started.length, 2, 'two threads');
  });
  // One of the process's own, or of a test before, may have ended meanwhile.
  t.ok(threads() <= before.threads, `${threads()} threads, ${before.threads} before`);
  t.equal(mappedBytes(path), before.mapped, 'what is mapped');
  t.equal(descriptors(path), 1, 'the core is open');
  t.equal(descriptors(output), 0, 'the dump is not');
  await core.close();
  t.equal(mappedBytes(path), 0);
  t.equal(descriptors(path), 0);
}

t.test('a thread that is ended', async (t) => {
  await failingDump(
    t,
    (core, started) =>
      core.dump(output, { ...DUMP, onProgress: whileCopying(() => void started[0]!.terminate()) }),
    { code: 'ERR_VMCORE_WORKER', cause: { message: 'it ended with exit code 1' } },
  );
  t.ok(readRawDump(output).isIncomplete, 'the dump is marked incomplete');
});

t.test('a thread that throws', (t) =>
  failingDump(
    t,
    (core, started) =>
      core.dump(output, { ...DUMP, onProgress: whileCopying(() => started[1]!.postMessage(null)) }),
    { code: 'ERR_VMCORE_WORKER', cause: { name: 'TypeError' } },
  ),
);

t.test('a thread that is ended before it begins', (t) =>
  failingDump(
    t,
    (core) => {
      process.once('worker', (worker: Worker) => void worker.terminate());
      return core.dump(output, DUMP);
    },
    { code: 'ERR_VMCORE_WORKER' },
  ),
);

t.test('a thread that runs out of memory', async (t) => {
  const program = countedDump({ core: path, output, level: 0, workers: 2 });
  const hoarder = pathToFileURL(programPath('hoarder')).href;
  await t.rejects(run(process.execPath, ['--import', hoarder, ...program]), {
    message: /ERR_VMCORE_WORKER[\s\S]*ERR_WORKER_OUT_OF_MEMORY/,
  });
});

t.test('an abort, and close(), while threads copy', async (t) => {
  const controller = new AbortController();
  await failingDump(
    t,
    (core) => {
      const onProgress = whileCopying(() => controller.abort());
      return core.dump(output, { ...DUMP, onProgress, signal: controller.signal });
    },
    { name: 'AbortError' },
  );
  t.ok(readRawDump(output).isIncomplete);
  await using core = await openVmcore(path, OPTIONS);
  await t.rejects(core.dump(output, { ...DUMP, onProgress: whileCopying(() => void core.close()) }), {
    code: 'ERR_VMCORE_CLOSED',
  });
});

t.test('a stream that never drains', async (t) => {
  /** Takes the first bytes and is never done with them. `onStuck` is called when a thread must have been waiting. */
  const stuck = (onStuck: () => void) =>
    new Writable({ highWaterMark: 1, write: () => void setTimeout(onStuck, 200) });
  const controller = new AbortController();
  await failingDump(
    t,
    (core) =>
      core.dump(
        stuck(() => controller.abort()),
        { ...DUMP, signal: controller.signal },
      ),
    { name: 'AbortError' },
  );
  await failingDump(
    t,
    (core, started) =>
      core.dump(
        stuck(() => void started[0]!.terminate()),
        { ...DUMP, force: undefined },
      ),
    { code: 'ERR_VMCORE_WORKER' },
  );
});

t.test('a disk that is full, and the next level tried by other threads', async (t) => {
  await using core = await openVmcore(path, OPTIONS);
  await startedWorkers(async (started) => {
    const options = { ...DUMP, level: undefined, levels: [0, 31], maxBytes: 31 << 20 };
    const report = await core.dump(output, options);
    t.equal(report.level, 31);
    t.equal(started.length, 4);
    const tried = readFileSync(output);
    await core.dump(output, { ...DUMP, level: 31, workers: 0 });
    t.ok(tried.equals(readFileSync(output)), 'the dump is the same as without');
  });
});

t.test('pages that can not be read are the same ones for any number of threads', async (t) => {
  const dumps = [];
  for (const workers of [0, 1, 3]) {
    const program = countedDump({ core: path, output, level: 0, workers, ...OPTIONS });
    const preload = pathToFileURL(programPath('bad-sectors')).href;
    const { stdout } = await run(process.execPath, ['--import', preload, ...program]);
    const { calls: _, ...dumped } = JSON.parse(stdout.toString()) as DumpedCore;
    dumps.push({ ...dumped, contents: readFileSync(output) });
  }
  const [alone, ...others] = dumps;
  t.ok(alone!.unreadablePages > 100, `${alone!.unreadablePages} pages`);
  t.equal(alone!.unreadable.length, alone!.unreadablePages);
  for (const { contents, ...dumped } of others) {
    t.ok(contents.equals(alone!.contents), 'the same bytes');
    t.match(alone, dumped, 'the same report');
  }
});

t.test('with strict, the first one ends the dump', async (t) => {
  const program = countedDump({ core: path, output, level: 0, workers: 2, strict: true, ...OPTIONS });
  const preload = pathToFileURL(programPath('bad-sectors')).href;
  await t.rejects(run(process.execPath, ['--import', preload, ...program]), { message: /ERR_VMCORE_IO/ });
});

t.test('a program that is given as text', async (t) => {
  const index = new URL('../../lib/index.js', import.meta.url).href;
  const program = `import { openVmcore } from '${index}';
    const core = await openVmcore('${path}');
    const { written } = await core.dump('/dev/null', { workers: 1, force: true });
    await core.close();
    console.log(written > 0);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
  t.equal(stdout.toString(), 'true\n');
});

t.test('numbers that are none', async (t) => {
  rmSync(output, { force: true });
  await using core = await openVmcore(path);
  for (const options of [{ workers: -1 }, { workers: 1.5 }, { workers: 1025 }, { memoryBudget: -1 }]) {
    const error = await core.dump(output, options).catch((caught: unknown) => caught);
    t.ok(isVmcoreError(error, 'ERR_VMCORE_ARGUMENT'), JSON.stringify(options));
  }
  t.notOk(existsSync(output), 'and no output is made');
});
