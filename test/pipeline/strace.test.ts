// What the counters of a whole dump say is what the kernel was asked for: maps and reads of the core's descriptor, and
// unmaps of what these maps returned.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { countCalls, TRACED } from '../../benchmarks/support/strace.ts';
import { bundledCore } from '../support/cores.ts';
import { oracle, run } from '../support/oracles.ts';
import { countedDump, type DumpedCore } from './counted-dump.ts';

t.setTimeout(300_000);

const { path: core } = await bundledCore();
const folder = t.testdir();

for (const [access, workers] of [
  ['mmap', 0],
  ['read', 0],
  ['auto', 0],
  ['auto', 2],
  ['read', 2],
] as const) {
  for (const level of [0, 31]) {
    t.test(`access ${access}, level ${level}, ${workers} workers`, async (t) => {
      if (!oracle(t, 'strace')) return;
      const trace = join(folder, `${access}-${level}-${workers}.strace`);
      const program = countedDump({ core, output: '/dev/null', level, access, workers });
      const args = ['-f', '-y', '-e', `trace=${TRACED}`, '-o', trace, process.execPath, ...program];
      const { calls } = JSON.parse((await run('strace', args)).stdout.toString()) as DumpedCore;
      const lines: string[] = [];
      for await (const line of createInterface({ input: createReadStream(trace) })) lines.push(line);
      const traced = countCalls(lines, core);
      t.same(traced, {
        maps: calls.maps + calls.mapErrors,
        mapErrors: calls.mapErrors,
        unmaps: calls.unmaps,
        reads: calls.preads + calls.preadErrors,
        readErrors: calls.preadErrors,
      });
      t.ok(access === 'read' ? traced.maps === 0 : traced.maps > 0);
      t.equal(traced.maps - traced.mapErrors, traced.unmaps, 'nothing stays mapped');
    });
  }
}
