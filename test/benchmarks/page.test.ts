import t from 'tap';
import { renderPage } from '../../benchmarks/sweep/page.ts';
import { runReads } from '../../benchmarks/sweep/reads.ts';
import type { SweepResults } from '../../benchmarks/sweep/results.ts';
import { measureAccess, measureCopies, measureFirstTouch, measureSlotHits } from '../../lib/bench/index.ts';
import { bundledCore } from '../support/cores.ts';

const MIB = 1 << 20;
const { path } = await bundledCore();

async function results(): Promise<SweepResults> {
  const { machine, arch, size, runs } = await measureAccess(path);
  const rows = runs.map(({ level, access, calls, sum }) => {
    const { maps, unmaps, preads } = calls;
    return { program: 'vmcore' as const, level, access, maps, unmaps, reads: preads, sum };
  });
  const core = {
    ...{ core: 'a <core>', arch, size },
    calls: { rows, runs, makedumpfile: undefined, missing: 'makedumpfile is not installed' },
    regions: runs.map((run) => ({ ...run, regionBytes: MIB })),
    reads: [await runReads(path, 2, MIB), await runReads(path, 64, MIB)],
    touches: await measureFirstTouch(path, { bytes: MIB, rounds: 1 }),
    copies: await measureCopies(path, { bytes: MIB, rounds: 1 }),
    hits: measureSlotHits(path),
  };
  return { machine, cores: [core] };
}

t.test('the page has every figure, its data, and needs nothing else', async (t) => {
  const measured = await results();
  const page = renderPage({ ...measured, machine: { ...measured.machine, accel: 'native' } });
  t.equal(page.match(/<h3>/g)?.length, 8);
  t.ok((page.match(/<svg/g)?.length ?? 0) >= 8);
  t.notMatch(page, /<(script|img|link)[^>]* (src|href)=/);
  t.notMatch(page, /NaN|undefined|a <core>/);
  const [, data] = /<script type="application\/json" id="results">(.*?)<\/script>/s.exec(page)!;
  t.equal(JSON.parse(data!).cores[0].core, 'a <core>');
});

t.test('times of an emulated machine are not shown', async (t) => {
  const measured = await results();
  const page = renderPage({ ...measured, machine: { ...measured.machine, accel: 'tcg' } });
  t.equal(page.match(/<h3>/g)?.length, 4);
  t.match(page, /This was an emulated machine/);
  t.notMatch(page, /CPU time|ns for each/);
});

t.test('more slots, fewer misses', async (t) => {
  const few = await runReads(path, 2, MIB);
  const many = await runReads(path, 64, MIB);
  t.ok(many.misses < few.misses);
  t.ok(many.sum < few.sum);
});
