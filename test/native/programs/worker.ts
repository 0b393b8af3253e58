// A worker for lifetime.test.ts: does what workerData.task says, on the file workerData.path.
import { closeSync, openSync, truncateSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { native } from '../../../lib/access/native.ts';
import { transfer } from '../support.ts';

const { task, path } = workerData as { task: string; path: string };
const page = native().pageSize;
const fd = openSync(path, 'r');
const source = native().source(fd);

const tasks: Record<string, () => unknown> = {
  /** Maps, reads and unmaps. */
  read() {
    const region = source.map(0, 4 * page);
    const byte = new Uint8Array(region.window(page, page))[5];
    region.unmap();
    return byte;
  },
  /** Leaves regions with windows behind. */
  leave() {
    const windows = Array.from({ length: 10 }, (_, i) => source.map(i * page, page).window(0, page));
    Reflect.set(globalThis, 'windows', windows);
    return native().mappedBytes();
  },
  /** As leave, and goes on mapping until it is terminated. */
  spin() {
    const windows = Array.from({ length: 10 }, (_, i) => source.map(i * page, page).window(0, page));
    parentPort!.postMessage(windows.length);
    for (;;) {
      const region = source.map(0, page);
      region.window(0, page);
      region.unmap();
    }
  },
  /** Moves the memory of a window to the parent, behind the addon's back. */
  moveAway() {
    const window = source.map(0, page).window(0, page);
    const moved = transfer(window);
    parentPort!.once('message', () => closeSync(fd));
    parentPort!.postMessage(moved, [moved]);
  },
  /** Reads a page that the file has no longer. */
  fault() {
    const region = source.map(0, 4 * page);
    const bytes = new Uint8Array(region.window(0, 4 * page));
    const kept = bytes[0];
    truncateSync(path, page);
    const lost = bytes[3 * page];
    const { faulted } = region;
    region.unmap();
    return { kept, lost, faulted };
  },
};

const answer = tasks[task]!();
if (answer !== undefined) parentPort!.postMessage(answer);
if (task === 'leave') setInterval(() => {}, 1000);
else if (task !== 'moveAway') closeSync(fd);
