// A SIGBUS that is none of the addon's, after its handler was installed; or one that is, in many pages.
import { openSync, truncateSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { native } from '../../../lib/access/native.ts';
import { programPath } from '../support.ts';

const [path, how] = process.argv.slice(2);

function mapOnce(): void {
  native().source(openSync(path!, 'r')).map(0, native().pageSize).unmap();
}

const ways: Record<string, () => void> = {
  /** Sent to this process. */
  sent() {
    mapOnce();
    process.kill(process.pid, 'SIGBUS');
  },
  /** Sent after the only worker with the addon has ended, and Node has closed the addon. */
  sentAfterWorker() {
    const worker = new Worker(programPath('worker'), { workerData: { task: 'read', path } });
    worker.once('exit', () => process.kill(process.pid, 'SIGBUS'));
  },
  /** Every page but the first is lost; prints how many bytes were not zero. */
  lostPages() {
    const pages = 64;
    const region = native()
      .source(openSync(path!, 'r'))
      .map(0, pages * native().pageSize);
    const bytes = new Uint8Array(region.window(0, region.length));
    truncateSync(path!, native().pageSize);
    let data = 0;
    for (const byte of bytes) if (byte !== 0) data++;
    region.unmap();
    console.log(JSON.stringify({ data, faulted: region.faulted }));
  },
};

ways[how!]!();
// Long enough for a signal to arrive, short enough for a test that waits for it in vain.
if (how !== 'lostPages') setTimeout(() => console.log('survived'), 2000);
