// A dump whose bitmaps are never in memory as a whole is the same, byte by byte.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { type DumpOptions, openVmcore, unflatten, type Vmcore } from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { mixClasses } from '../support/page-mix.ts';
import { type ScaleCore, writeScaleCore } from '../support/scale-core.ts';

t.setTimeout(600_000);

const blockPages = 8 * 4096;
const folder = t.testdir();
const at = (name: string) => join(folder, name);
const bytes = (name: string) => readFileSync(at(name));

async function dumpStream(core: Vmcore, options: DumpOptions): Promise<Buffer> {
  const stream = new PassThrough();
  const [read] = await Promise.all([buffer(stream), core.dump(stream, options)]);
  return read;
}

const cases = [
  { level: 0, compression: 'none', piecePages: 2 * blockPages },
  { level: 31, compression: 'zlib', piecePages: blockPages },
] as const;

for (const { piecePages, ...what } of cases) {
  t.test(`level ${what.level}: file, set, flattened file, dry run`, async (t) => {
    await using core = await openVmcore((await bundledCore()).path);
    const options = { ...what, force: true };
    const pieces = { ...options, piecePages };
    const whole = await core.dump(at('whole'), options);
    const report = await core.dump(at('pieces'), pieces);
    t.ok(bytes('pieces').equals(bytes('whole')), 'the bitmap is read back');
    t.match(report, { written: whole.written, excluded: whole.excluded, zero: whole.zero });
    await core.dump([at('whole0'), at('whole1'), at('whole2')], options);
    await core.dump([at('pieces0'), at('pieces1'), at('pieces2')], pieces);
    for (const i of [0, 1, 2]) t.ok(bytes(`pieces${i}`).equals(bytes(`whole${i}`)), `file ${i} of a set`);
    await core.dump(at('flat'), { ...pieces, flattened: true });
    await unflatten(at('flat'), at('unflattened'), { force: true });
    t.ok(bytes('unflattened').equals(bytes('whole')), 'pages are classified again');
    const dry = await core.dump(at('none'), { ...pieces, dryRun: true });
    t.equal(dry.bytes, whole.bytes, 'of a dry run');
  });
}

t.test('a large core', async (t) => {
  const gib = 2 ** 30;
  const core = at('large');
  const made = writeScaleCore(core, { memory: 64 * gib, distinct: 2 ** 25, kept: 1 / 4096 });
  t.teardown(() => rmSync(core));

  t.test('counts are those of who made it', async (t) => {
    await using opened = await openVmcore(core);
    const { counts, original, kept, unreadable } = await opened.classify({ level: 31 });
    t.strictSame(countsOf({ ...counts, kept }), made.counts);
    t.strictSame([original, unreadable], [made.pages, 0]);
  });

  t.test('within a budget that its bitmaps are beyond, also in a stream', async (t) => {
    const options = { level: 31, compression: 'none', workers: 1 } as const;
    await using opened = await openVmcore(core);
    const expected = await dumpStream(opened, options);
    const pieces = await dumpStream(opened, { ...options, piecePages: 2 ** 23 });
    t.ok(pieces.equals(expected), 'record by record');
    // An eighth of it is for bitmaps, of which each has 2 MiB.
    const file = await opened.dump(at('budget'), { ...options, memoryBudget: 40 * 2 ** 20 });
    t.strictSame(countsOf({ ...file.excluded, kept: file.written }), made.counts);
    await opened.dump(at('without'), { ...options, memoryBudget: 2 ** 30 });
    t.ok(bytes('budget').equals(bytes('without')), 'byte by byte');
  });
});

function countsOf(counts: ScaleCore['counts']): ScaleCore['counts'] {
  return Object.fromEntries(mixClasses.map((name) => [name, counts[name]])) as ScaleCore['counts'];
}

t.test('a piece is of whole blocks', async (t) => {
  await using core = await openVmcore((await bundledCore()).path);
  await t.rejects(core.dump(at('refused'), { piecePages: 100 }), { code: 'ERR_VMCORE_ARGUMENT' });
});
