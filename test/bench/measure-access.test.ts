import { readFileSync } from 'node:fs';
import t from 'tap';
import { BYTES_PER_TABLE_BYTE } from '../../lib/access/page-table-budget.ts';
import { measureAccess } from '../../lib/bench/index.ts';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';

const core = await bundledCore();
const folder = t.testdir();
// As the library assumes them of a file: a plan from them is the same every time.
const costs = { mapCall: 6000, mapPage: 0, touchPage: 130, readCall: 700, readPage: 250 };

t.test('a report counts what opening, dumping and closing call', async (t) => {
  const report = await measureAccess(core.path, { costs, repeat: 2 });
  t.equal(report.file, core.path);
  t.equal(report.arch, 'x86_64');
  t.equal(report.size, core.size);
  t.same(
    report.runs.map(({ level, access }) => [level, access]),
    [0, 31].flatMap((level) => ['mmap', 'read', 'auto'].map((access) => [level, access])),
  );
  for (const { level, access, calls, sum, pageTableBytes, pages, phases } of report.runs) {
    const opened = await openVmcore(core.path, { access });
    const dumped = await opened.dump(`${folder}/${access}`, {
      level,
      compression: 'none',
      costs,
      force: true,
    });
    await opened.close();
    t.same(calls, opened.counters, `${access}, level ${level}: the calls of a dump into a file`);
    t.equal(pages, dumped.written);
    t.equal(sum, calls.maps + calls.unmaps + calls.preads);
    t.equal(calls.unmaps, calls.maps, 'what was mapped is unmapped');
    t.equal(pageTableBytes, Math.ceil(calls.mappedHighWater / BYTES_PER_TABLE_BYTE));
    const { predicted, calls: written } = phases.at(-1)!;
    t.match(written, {
      maps: predicted!.maps,
      mapBytes: predicted!.mapBytes,
      unmaps: predicted!.unmaps,
      preads: predicted!.preads,
      preadBytes: predicted!.preadBytes,
    });
  }
});

t.test('each way makes the calls that it is named after', async (t) => {
  const { runs } = await measureAccess(core.path, { levels: [31], costs });
  const [mmap, read] = runs;
  t.equal(read!.calls.maps, 0);
  t.equal(read!.calls.unmaps, 0);
  t.ok(read!.calls.preads > 0);
  t.ok(mmap!.calls.maps > 0);
});

t.test('smaller regions need more maps and fewer page tables', async (t) => {
  const options = { levels: [0], access: ['mmap'], costs } as const;
  const [large] = (await measureAccess(core.path, { ...options, regionBytes: 16 << 20 })).runs;
  const [small] = (await measureAccess(core.path, { ...options, regionBytes: 1 << 20 })).runs;
  t.ok(small!.calls.maps > large!.calls.maps);
  t.ok(small!.pageTableBytes < large!.pageTableBytes);
});

t.test('a core in memory is measured too, and needs no calls', async (t) => {
  const { runs } = await measureAccess(readFileSync(core.path), { levels: [31] });
  for (const { sum } of runs) t.equal(sum, 0);
});

t.test('nothing to measure, no runs', async (t) => {
  const report = await measureAccess(core.path, { levels: [] });
  t.same([report.arch, report.runs], ['x86_64', []]);
});

t.test('it ends with the signal, and with what can not be opened', async (t) => {
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(measureAccess(core.path, { signal }), { message: 'enough' });
  await t.rejects(measureAccess('/nonexistent'), { code: 'ERR_VMCORE_OPEN' });
});
