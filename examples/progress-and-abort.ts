// Watches a dump, and ends it when Ctrl-C is pressed or it has taken too long: node progress-and-abort.js VMCORE DUMPFILE
import { openVmcore, type Progress } from 'vmcore';

const [, , source, target, milliseconds = '600000'] = process.argv;
if (!source || !target) throw new Error('usage: progress-and-abort.js VMCORE DUMPFILE [MILLISECONDS]');

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(Number(milliseconds))]);

let phase = '';
function onProgress(progress: Progress): void {
  if (progress.phase === phase && progress.pages < progress.totalPages) return;
  phase = progress.phase;
  console.log(`${phase}: ${progress.pages} of ${progress.totalPages} pages`);
}

try {
  await using core = await openVmcore(source, { signal });
  await core.dump(target, { level: 31, compression: 'zlib', signal, onProgress });
  console.log(`${target} is complete`);
} catch (error) {
  if (!signal.aborted) throw error;
  console.log(`aborted (${signal.reason.message}): what there is of ${target} is marked incomplete`);
}
