// Counts the memory of the running kernel, and lets makedumpfile count it before and after: while this process is there, and
// has all the memory that it takes.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { openVmcore } from '../../../lib/index.ts';
import type { MemUsageRecord } from './records.ts';

const KCORE = '/proc/kcore';

async function usage() {
  await using core = await openVmcore(KCORE);
  return await core.memoryUsage();
}

function makedumpfile(): string {
  return execFileSync('makedumpfile', ['--mem-usage', KCORE], { encoding: 'utf8' });
}

await usage();
const before = makedumpfile();
const record: MemUsageRecord = { before, usage: await usage(), after: makedumpfile() };
writeFileSync('/out/mem-usage.json', JSON.stringify(record));
