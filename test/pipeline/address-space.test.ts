// A process whose address space is limited (RLIMIT_AS) writes the same dump, with regions that fit or none at all.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bundledCore } from '../support/cores.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { run } from '../support/oracles.ts';
import { type CountedDump, countedDump, type DumpedCore } from './counted-dump.ts';

const MIB = 1 << 20;
const { path: core } = await bundledCore();
const folder = t.testdir();
// Each thread of the C library's allocator reserves 64 MiB, whenever it allocates for the first time.
const env = { ...process.env, MALLOC_ARENA_MAX: '1' };

async function dump(
  name: string,
  options: Partial<CountedDump> = {},
): Promise<DumpedCore & { hash: string }> {
  const output = join(folder, name);
  const request = { core, output, level: 0, access: 'mmap', regionBytes: 256 * MIB, ...options } as const;
  const { stdout } = await run(process.execPath, countedDump(request), { env });
  const hash = createHash('sha256').update(readFileSync(output)).digest('hex');
  return { ...(JSON.parse(stdout.toString()) as DumpedCore), hash };
}

const unlimited = await dump('unlimited');
t.match(unlimited, { mapFailures: {}, calls: { mapErrors: 0 } });
t.ok(unlimited.calls.mappedHighWater > 128 * MIB, 'without a limit, most of the core is one region');

const emulated = beyondEmulation('addressSpace');

t.test('where large regions do not fit, smaller ones are mapped', emulated, async (t) => {
  const limited = await dump('limited', { headroom: 160 * MIB });
  t.equal(limited.hash, unlimited.hash);
  t.match(limited.mapFailures, { RLIMIT_AS: Number });
  t.ok(limited.calls.maps > 0);
  t.ok(limited.calls.mappedHighWater < 100 * MIB, `${limited.calls.mappedHighWater} bytes at a time`);
});

t.test('where no region fits, everything is read', emulated, async (t) => {
  const limited = await dump('read', { headroom: 60 * MIB });
  t.equal(limited.hash, unlimited.hash);
  t.equal(limited.calls.maps, 0);
  t.ok(limited.calls.preads > unlimited.calls.preads);
});
