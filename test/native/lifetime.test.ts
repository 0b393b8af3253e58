import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import {
  countersOf,
  mappingsOf,
  openSource,
  PAGE,
  patternAt,
  patternFile,
  programPath,
  runProgram,
  TRANSFER_FLAGS,
} from './support.ts';

const file = patternFile(t.testdir(), 100 * PAGE);

function startWorker(task: string): Worker {
  return new Worker(programPath('worker'), { workerData: { task, path: file } });
}

t.test('workers map for themselves', async (t) => {
  const workers = Array.from({ length: 3 }, () => startWorker('read'));
  for (const answer of await Promise.all(workers.map((worker) => once(worker, 'message')))) {
    t.same(answer, [patternAt(PAGE + 5)]);
  }
  await Promise.all(workers.map((worker) => worker.threadId === -1 || once(worker, 'exit')));
  t.equal(mappingsOf(file), 0);
});

t.test('what workers map is in the sum of the process, and is unmapped when one is terminated', async (t) => {
  const worker = startWorker('leave');
  t.same(await once(worker, 'message'), [10 * PAGE]);
  t.equal(native().mappedBytes(), 10 * PAGE);
  t.ok(mappingsOf(file) > 0);
  await worker.terminate();
  t.equal(native().mappedBytes(), 0);
  t.equal(mappingsOf(file), 0);
});

t.test('a worker that is terminated in the middle of mapping leaves nothing', async (t) => {
  for (let i = 0; i < 5; i++) {
    const worker = startWorker('spin');
    await once(worker, 'message');
    await worker.terminate();
  }
  t.equal(native().mappedBytes(), 0);
  t.equal(mappingsOf(file), 0);
});

t.test('a process ends with windows open', async (t) => {
  for (const [how, status] of [
    ['return', 0],
    ['exit', 0],
    ['throw', 1],
  ] as const) {
    const run = runProgram('leave', [file, how]);
    t.equal(run.status, status, `${how}: ${run.stderr}`);
    t.equal(run.stdout, `${patternAt(99 * PAGE)}\n`);
  }
});

t.test('a window that is cloned is copied; one that is transferred stays readable', async (t) => {
  using opened = openSource(file);
  const region = opened.source.map(0, PAGE);
  const window = region.window(0, PAGE);
  const copy = structuredClone(window);
  const other = structuredCloneWithTransfer(region.window(0, PAGE));
  region.unmap();
  t.equal(new Uint8Array(copy)[7], patternAt(7));
  t.ok(other === undefined || new Uint8Array(other)[7] === patternAt(7));
  t.equal(window.byteLength, 0);
  t.equal(countersOf(opened.source).mapped, 0);
});

/** Node.js 20 copies what is on the transfer list here; later ones refuse it. */
function structuredCloneWithTransfer(window: ArrayBuffer): ArrayBuffer | undefined {
  try {
    return structuredClone(window, { transfer: [window] });
  } catch {
    return undefined;
  }
}

t.test('memory that was transferred away is unmapped by its finalizer', async (t) => {
  const run = runProgram('transfer', [file], TRANSFER_FLAGS);
  t.equal(run.status, 0, run.stderr);
  t.same(JSON.parse(run.stdout), {
    afterTransfer: {
      stays: 0,
      goes: 0,
      moved: PAGE,
      byte: patternAt(PAGE + 3),
      mappings: 1,
      mapped: 2 * PAGE,
    },
    afterTransferAtEnd: { mappings: 0, mapped: 0 },
    afterCollection: { byte: patternAt(3), before: PAGE, after: PAGE },
    afterCollectionAtEnd: { mappings: 0, mapped: 0 },
  });
});

t.test('memory that was moved to another thread becomes zeros when its own thread ends', async (t) => {
  const run = runProgram('moved-to-parent', [file], TRANSFER_FLAGS);
  t.equal(run.status, 0, `${run.signal} ${run.stderr}`);
  t.same(JSON.parse(run.stdout), { before: patternAt(3), length: PAGE, after: 0, mappings: 0 });
});
