// A worker moves a window's memory to this thread and ends: the memory has to stay readable. Prints what is read.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { mappingsOf, programPath } from '../support.ts';

const path = process.argv[2]!;
const worker = new Worker(programPath('worker'), {
  workerData: { task: 'moveAway', path },
});
const [moved] = (await once(worker, 'message')) as [ArrayBuffer];
const before = new Uint8Array(moved)[3];
worker.postMessage('end');
await once(worker, 'exit');
const after = new Uint8Array(moved)[3];
console.log(JSON.stringify({ before, length: moved.byteLength, after, mappings: mappingsOf(path) }));
