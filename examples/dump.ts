// Writes a dump without the pages that nobody will look at: node dump.js VMCORE DUMPFILE
import { isVmcoreError, openVmcore } from 'vmcore';

const [, , source, target] = process.argv;
if (!source || !target) throw new Error('usage: dump.js VMCORE DUMPFILE');

try {
  await using core = await openVmcore(source);
  const report = await core.dump(target, { level: 31, compression: 'zlib' });
  console.log(report.excluded);
  console.log(`${core.size} bytes became ${report.bytes}`);
} catch (error) {
  if (!isVmcoreError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
