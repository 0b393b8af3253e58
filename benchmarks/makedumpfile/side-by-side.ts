import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { median } from '../../lib/bench/index.ts';

/** A loop of about half a second that computes, and touches no memory. */
const LOOP = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', () => {
  let x = 1;
  for (let i = 0; i < 5e8; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  parentPort.postMessage(x);
});`;

/**
 * What two such loops take side by side, of the time that they take one after the other: 0.5 where each has a processor of its
 * own. Two threads that compress can't be better than that.
 */
export async function sideBySide(times: number): Promise<number> {
  const workers = [new Worker(LOOP, { eval: true }), new Worker(LOOP, { eval: true })];
  const run = async (worker: Worker) => {
    worker.postMessage(0);
    await once(worker, 'message');
  };
  try {
    for (const worker of workers) await run(worker); // compiled
    const ratios: number[] = [];
    for (let i = 0; i < times; i++) {
      const started = performance.now();
      for (const worker of workers) await run(worker);
      const between = performance.now();
      await Promise.all(workers.map(run));
      ratios.push((performance.now() - between) / (between - started));
    }
    return median(ratios);
  } finally {
    for (const worker of workers) await worker.terminate();
  }
}
