// Saves a crashed kernel from its capture kernel: first the log, then a dump at level 31, last a summary as JSON.
//   node agent.mjs [OPTION]... TARGET...
// A target is a folder, http(s)://HOST/PATH or s3://BUCKET/PREFIX; the next one is for what the one before does not take.
import { parseArgs } from 'node:util';
import { formatRecord, openVmcore, type Progress, type Vmcore } from 'vmcore';
import { sha256 } from './parts.ts';
import { openPlace, type Place, type PlaceOptions } from './place.ts';
import { describe, identify, withoutPassword } from './summary.ts';

const MIB = 1 << 20;

const { values, positionals: targets } = parseArgs({
  allowPositionals: true,
  options: {
    vmcore: { type: 'string', default: '/proc/vmcore' },
    limit: { type: 'string' }, // of the dump, in MiB
    part: { type: 'string', default: '8' }, // MiB
    attempts: { type: 'string', default: '8' },
    delay: { type: 'string', default: '1000' }, // ms, after the first failure
    timeout: { type: 'string', default: '30000' }, // ms
  },
});

function integer(name: 'limit' | 'part' | 'attempts' | 'delay' | 'timeout'): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a whole number above 0`);
  return value;
}

/** Says how far it is, every other second. */
function onProgress({ phase, pages, totalPages }: Progress): void {
  if (performance.now() < nextLine && phase === lastPhase) return;
  [nextLine, lastPhase] = [performance.now() + 2000, phase];
  console.log(
    `agent: ${phase}: ${pages} of ${totalPages} pages, ${Math.floor((100 * pages) / (totalPages || 1))} %`,
  );
}
let nextLine = 0;
let lastPhase = '';

/** The log, as far as it can be read: without it, the dump is still worth having. */
async function saveLog(core: Vmcore, place: Place): Promise<object> {
  try {
    const { records, lost } = core.kernelLog();
    const bytes = Buffer.from(records.map((record) => `${formatRecord(record)}\n`).join(''));
    await place.save('dmesg.txt', bytes);
    console.log(`agent: dmesg.txt: ${records.length} messages`);
    return { name: 'dmesg.txt', bytes: bytes.length, sha256: sha256(bytes).toString('hex'), lost };
  } catch (error) {
    console.log(`agent: dmesg.txt: ${String(error)}`);
    return { error: String(error) };
  }
}

/** Saves all, and returns whether the dump is complete. */
async function save(core: Vmcore, target: string, options: PlaceOptions): Promise<boolean> {
  const kernel = identify(core);
  const folder = `${kernel.host}-${kernel.crashed}`.replace(/[^\w.-]/g, '_');
  const place = await openPlace(target, folder, options);
  const shown = withoutPassword(target);
  console.log(`agent: ${kernel.release}, crashed ${kernel.crashed}: to ${folder} in ${shown}`);
  const dmesg = await saveLog(core, place);
  const maxBytes = values.limit === undefined ? undefined : integer('limit') * MIB;
  const { filterProblem } = core;
  if (filterProblem) console.log(`agent: level 1 instead of 31: ${filterProblem.message}`);
  const dump = await place.dump(core, { level: filterProblem ? 1 : 31, maxBytes, onProgress });
  const complete = dump.report?.complete ?? false;
  const agent = { peakBytes: process.resourceUsage().maxRSS * 1024, seconds: process.uptime() };
  const summary = { complete, ...kernel, target: shown, folder, dmesg, dump: describe(dump), agent };
  await place.save('summary.json', Buffer.from(`${JSON.stringify(summary, null, 2)}\n`));
  console.log(`agent: ${JSON.stringify(summary)}`);
  return complete;
}

const options = {
  partBytes: integer('part') * MIB,
  attempts: integer('attempts'),
  delay: integer('delay'),
  timeout: integer('timeout'),
};
if (targets.length === 0) throw new Error('usage: agent.mjs [OPTION]... TARGET...');
await using core = await openVmcore(values.vmcore);
process.exitCode = 1;
for (const target of targets) {
  try {
    if (await save(core, target, options)) process.exitCode = 0;
    break;
  } catch (error) {
    console.log(`agent: ${withoutPassword(target)}: ${String(error)}`);
  }
}
