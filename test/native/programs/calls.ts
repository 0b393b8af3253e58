// Maps, unmaps and reads the file named, some of it in vain, and prints the counters as JSON; for counters.test.ts.
import { writeSync } from 'node:fs';
import { countersOf, openSource, PAGE } from '../support.ts';

const opened = openSource(process.argv[2]!);
const { source } = opened;
const into = new Uint8Array(3 * PAGE);

const regions = Array.from({ length: 7 }, (_, i) => source.map(i * PAGE, (i + 1) * PAGE, i % 2 === 0));
for (const region of regions) region.window(0, PAGE);
for (const region of regions.slice(2)) region.unmap();
for (let i = 0; i < 11; i++) source.pread(into, 0, into.length, i * PAGE);
try {
  source.map(0, 2 ** 50);
} catch {}

// Reading a directory fails.
const directory = openSource(process.argv[3]!);
try {
  directory.source.pread(into, 0, 1, 0);
} catch {}

writeSync(1, JSON.stringify({ file: countersOf(source), directory: countersOf(directory.source) }));
// What an exit unmaps is none of the counters'.
process.kill(process.pid, 'SIGKILL');
