// To be imported before a program: its worker threads run out of memory.
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) {
  const hoard: unknown[][] = [];
  setInterval(() => {
    for (let i = 0; i < 100; i++) hoard.push(Array.from({ length: 100_000 }, () => ({ hoard })));
  }, 1);
}
