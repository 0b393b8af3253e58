// What is profiled: one dump, uncompressed. Its own program, so that the profile has nothing else in it.
import { openVmcore } from '../../lib/index.ts';

const [core, access, level, output] = process.argv.slice(2) as [
  string,
  'mmap' | 'read' | 'auto',
  string,
  string,
];
await using opened = await openVmcore(core, { access });
await opened.dump(output, { level: Number(level), compression: 'none' });
// The name of the file with which perf finds compiled functions ends with it.
console.log(process.pid);
