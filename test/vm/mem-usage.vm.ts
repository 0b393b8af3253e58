// What a running kernel uses its memory for, read from its /proc/kcore: `npm run test:vm -- mem-usage`. It goes on running, so
// that makedumpfile is asked before and after us.
import t from 'tap';
import { oracle, run } from '../support/oracles.ts';
import type { MemUsageRecord } from './capture/records.ts';
import { crash } from './remains.ts';

t.setTimeout(3_600_000);

/** Rows of makedumpfile's table, and what they are called here. */
const ROWS = {
  ZERO: 'zero',
  NON_PRI_CACHE: 'cache',
  PRI_CACHE: 'cachePrivate',
  USER: 'user',
  FREE: 'free',
  KERN_DATA: 'kernel',
} as const;
const PAGE = 4096;
/** Pages that come and go meanwhile: 12 MiB of 512. */
const RESTLESS = 3000;
/** Pages of the total: what kernel and firmware reserve at the ends of ranges. */
const TOTAL_SLACK = 64;

/** A little of each kind. */
const WORKLOAD = 'guest=vm.huge=2 vm.files=8 vm.workload=anon=8,zero=4,pipe=2,pt=1';

function count(text: string, row: string): number {
  return Number(new RegExp(`^${row}\\s+(\\d+)`, 'm').exec(text)?.[1]);
}

/**
 * Pages that makedumpfile counts twice: the kernel's image, which /proc/kcore has in the direct map and again where it is
 * mapped as text (kcore_text: _text to _end, proc_kcore_text_init() in fs/proc/kcore.c).
 */
async function imagePages(vmlinux: string): Promise<number> {
  const { stdout } = await run('nm', [vmlinux]);
  const symbols = stdout.toString();
  const address = (name: string) => BigInt(`0x${new RegExp(`^(\\w+) . ${name}$`, 'm').exec(symbols)?.[1]}`);
  return Number(address('_end') - address('_text')) / PAGE;
}

t.test('mem-usage', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const remains = await crash(t, 'brief', 'mem-usage.sh', ['live=1', WORKLOAD]);
  const { before, usage, after }: MemUsageRecord = JSON.parse(remains.text('mem-usage.json'));

  t.test('the numbers of makedumpfile', async (t) => {
    t.comment(before, JSON.stringify(usage));
    const twice = await imagePages(remains.vmlinux!);
    for (const [row, name] of Object.entries(ROWS)) {
      const counted = (text: string) => count(text, row) - (name === 'kernel' ? twice : 0);
      const [first, last] = [counted(before), counted(after)];
      const [low, high] = [Math.min(first, last), Math.max(first, last)];
      const isNear = usage[name] >= low - RESTLESS && usage[name] <= high + RESTLESS;
      t.ok(isNear, `${row}: ${usage[name]}, before ${first}, after ${last}`);
    }
    const theirTotal = Number(/^Total pages on system:\s+(\d+)/m.exec(before)?.[1]) - twice;
    t.ok(
      Math.abs(usage.total - theirTotal) <= TOTAL_SLACK,
      `${usage.total} pages, ${theirTotal} by makedumpfile`,
    );
    const { pageSize: _, total: sum, ...classes } = usage;
    t.equal(
      Object.values(classes).reduce((all, pages) => all + pages, 0),
      sum,
      'each page counts once',
    );
    t.equal(usage.unreadable, 0);
  });

  t.test('its table', async (t) => {
    const types = (text: string) =>
      [...text.matchAll(/^([A-Z_]+)\s+\S+\s+(yes|no|EXCLUDABLE)/gm)].map(([, type]) => type);
    t.equal(types(before).length, 7);
    for (const file of ['usage.txt', 'makedumpfile.txt']) {
      const text = remains.text(file);
      t.strictSame(types(text), types(before), file);
      t.match(text, /^page size:\s+4096\nTotal pages on system:\s+\d+\nTotal size on system:\s+\d+\s+Byte$/m);
    }
  });

  t.test('what else /proc/kcore tells', async (t) => {
    const release = remains.text('release.txt').trim();
    t.match(remains.text('vmcoreinfo.txt'), new RegExp(`^OSRELEASE=${release}\n`));
    t.match(remains.text('dmesg.txt'), /Linux version .*\n(.*\n)*.*Run \/init as init process/);
    t.match(JSON.parse(remains.text('info.json')), { format: 'kcore', osrelease: release });
  });
});
