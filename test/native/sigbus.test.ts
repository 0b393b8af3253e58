import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { beyondEmulation } from '../support/emulation.ts';
import { mappingsOf, openSource, PAGE, patternAt, patternFile, programPath, runProgram } from './support.ts';

t.test('a truncated file flags its region and reads as zeros', beyondEmulation('sigbus'), async (t) => {
  const file = patternFile(t.testdir(), 8 * PAGE);
  const intact = patternFile(t.testdirName, PAGE, 'intact');
  using opened = openSource(file);
  using other = openSource(intact);
  const region = opened.source.map(0, 8 * PAGE);
  const neighbour = other.source.map(0, PAGE);
  const bytes = new Uint8Array(region.window(0, 8 * PAGE));
  t.equal(bytes[5 * PAGE + 1], patternAt(5 * PAGE + 1));
  t.equal(region.faulted, false);

  truncateSync(file, 2 * PAGE);
  t.equal(bytes[PAGE], patternAt(PAGE), 'what is left of the file is still read');
  t.equal(region.faulted, false);
  t.equal(bytes[5 * PAGE + 1], 0);
  t.equal(region.faulted, true);
  t.equal(bytes[PAGE], patternAt(PAGE));
  t.equal(new Uint8Array(neighbour.window(0, PAGE))[1], patternAt(1));
  t.equal(neighbour.faulted, false, 'only the region that was hit is flagged');

  region.unmap();
  neighbour.unmap();
  t.equal(region.faulted, true, 'the flag outlives the mapping');
  t.equal(mappingsOf(file), 0);
  const again = opened.source.map(0, PAGE);
  t.equal(again.faulted, false, 'and does not pass on to the next region');
  again.unmap();
});

t.test('a worker survives a truncated file', beyondEmulation('sigbus'), async (t) => {
  const path = patternFile(t.testdir(), 8 * PAGE);
  const worker = new Worker(programPath('worker'), { workerData: { task: 'fault', path } });
  t.same(await once(worker, 'message'), [{ kept: patternAt(0), lost: 0, faulted: true }]);
});

t.test('every page of a region may be lost', beyondEmulation('sigbus'), async (t) => {
  const path = patternFile(t.testdir(), 64 * PAGE);
  const run = runProgram('sigbus', [path, 'lostPages']);
  t.equal(run.status, 0, `${run.signal} ${run.stderr}`);
  const data = Array.from({ length: PAGE }, (_, i) => patternAt(i)).filter((byte) => byte !== 0).length;
  t.same(JSON.parse(run.stdout), { data, faulted: true });
});

t.test('a SIGBUS of another origin kills the process with SIGBUS', async (t) => {
  const path = patternFile(t.testdir(), 8 * PAGE);
  for (const how of ['sent', 'sentAfterWorker']) {
    const run = runProgram('sigbus', [path, how]);
    t.equal(run.signal, 'SIGBUS', `${how}: ${run.stdout}${run.stderr}`);
  }
});
