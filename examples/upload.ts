// Sends a dump to a server while it is made, with nothing on the disk: node upload.js VMCORE URL
// What arrives is the flattened form: `vmcore unflatten`, unflatten() or `makedumpfile -R` make a file of it.
import { once } from 'node:events';
import { request } from 'node:http';
import { isVmcoreError, openVmcore } from 'vmcore';

const [, , source, url] = process.argv;
if (!source || !url) throw new Error('usage: upload.js VMCORE URL');

try {
  await using core = await openVmcore(source);
  const upload = request(url, { method: 'PUT' });
  const [report, [response]] = await Promise.all([
    core.dump(upload, { level: 31, compression: 'zlib' }),
    once(upload, 'response'),
  ]);
  console.log(`${report.bytes} bytes were sent, the server says ${response.statusCode}`);
} catch (error) {
  if (!isVmcoreError(error)) throw error;
  // The server got no end marker: it can tell that the dump is not complete.
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
