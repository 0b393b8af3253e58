// A kdump-compressed dump is complete, or it is known not to be: wherever it was cut off, whatever was not written.
import fc from 'fast-check';
import t from 'tap';
import { MARK_BYTES, markIncomplete } from '../../lib/formats/incomplete-mark.ts';
import type { PageDescriptor } from '../../lib/formats/kdump-layout.ts';
import { type DumpState, isVmcoreError, verifyDump } from '../../lib/index.ts';
import { buildKdump } from '../support/kdump-builder.ts';
import { cutOff, flipped, layout, PAGE, smallDump, unwritten } from './small-dump.ts';

t.setTimeout(300_000);

const names = ['none', 'zlib', 'zstd', 'lzo', 'snappy'] as const;

for (const name of names) {
  t.test(`complete, ${name}`, async (t) => {
    for (const dumpLevel of [0, 1]) {
      const dump = await smallDump(name, { dumpLevel });
      const report = await verifyDump(dump.bytes);
      t.match(report, {
        state: 'complete',
        format: 'kdump',
        pages: dump.pages,
        problems: [],
        bytes: dump.bytes.length,
      });
      t.equal(report.zeroPages > 0, dumpLevel === 1);
    }
  });

  t.test(`cut off, ${name}`, async (t) => {
    const dump = await smallDump(name);
    const all = ends(dump.data, dump.bytes.length);
    t.strictSame(await unexpected(all, 'incomplete', (end) => cutOff(dump, end)), []);
  });

  t.test(`not written to its end, ${name}`, async (t) => {
    const dump = await smallDump(name);
    // Of a page that is stored raw nothing tells whether its end was written: the pages behind it do.
    const last = lastRawPage(dump.bytes, dump.pages);
    const changes = ends(dump.data, last).filter((from) =>
      dump.bytes.subarray(from).some((byte) => byte !== 0),
    );
    t.strictSame(await unexpected(changes, 'incomplete', (from) => unwritten(dump, from)), []);
  });
}

/** Every border of the headers, and what is around it; and places in between. */
function ends(data: number, size: number): number[] {
  const borders = [...Object.values(layout), data, data + PAGE, size].flatMap((at) => [at - 1, at, at + 1]);
  const headers = Array.from({ length: 120 }, (_, i) => i * 4).flatMap((at) => [at, layout.subHeader + at]);
  const others = fc.sample(fc.integer({ min: 0, max: size - 1 }), { numRuns: 300, seed: 1 });
  return [...borders, ...headers, ...others].filter((at) => at >= 0 && at < size);
}

/** The places where a dump that was changed there is not what it should be taken for. */
async function unexpected(
  places: readonly number[],
  expected: DumpState,
  change: (at: number) => Buffer,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const at of places) {
    const report = await verifyDump(change(at));
    if (report.state !== expected)
      wrong.push(`${at}: ${report.state}, ${JSON.stringify(report.problems.slice(0, 3))}`);
  }
  return wrong;
}

/** Where the data of the last page begins, if that is stored raw; else its end. */
function lastRawPage(bytes: Buffer, pages: number): number {
  const at = layout.descriptors + 24 * (pages - 1);
  const [offset, size] = [Number(bytes.readBigUInt64LE(at)), bytes.readUInt32LE(at + 8)];
  return bytes.readUInt32LE(at + 12) === 0 ? offset : offset + size;
}

t.test('blocks that were not written, of a dump that is still marked', async (t) => {
  const dump = await smallDump('none', { dumpLevel: 0 });
  markIncomplete(dump.bytes.subarray(0, MARK_BYTES));
  const blocks = Math.ceil(dump.bytes.length / PAGE);
  const property = fc.asyncProperty(fc.array(fc.nat(blocks - 1), { maxLength: 20 }), async (lost) => {
    const bytes = Buffer.from(dump.bytes);
    for (const block of lost) bytes.fill(0, block * PAGE, Math.min((block + 1) * PAGE, bytes.length));
    return (await verifyDump(bytes)).state !== 'complete';
  });
  await fc.assert(property, { numRuns: 500 });
  const headless = await verifyDump(unwritten({ ...dump, bytes: dump.bytes }, 0));
  t.match(headless, {
    state: 'incomplete',
    format: undefined,
    problems: [{ reason: /header was never written/ }],
  });
});

t.test('changed bits of descriptors', async (t) => {
  for (const name of names) {
    const dump = await smallDump(name);
    const range = fc.integer({ min: layout.descriptors, max: dump.data - 1 });
    const places = fc.sample(range, { numRuns: 200, seed: 2 });
    t.strictSame(await unexpected(places, 'damaged', (at) => flipped(dump, at, at % 8)), [], name);
  }
});

t.test('changed bits of bitmap 2', async (t) => {
  for (const name of names) {
    const dump = await smallDump(name);
    const places = Array.from({ length: 8 }, (_, i) => layout.bitmap2 + 0x20 + i);
    t.strictSame(await unexpected(places, 'damaged', (at) => flipped(dump, at, at % 8)), [], name);
  }
});

/** What no reader takes for anything: names, times, fields that nobody uses, what is behind the headers. */
const meaningless: [number, number][] = [
  [12, 424], // utsname, timestamps
  [424, 428], // status: the compression that was used most; readers look at the descriptors
  [444, PAGE], // unused fields, nr_cpus
  [PAGE, PAGE + 12], // phys_base, dump_level
  [PAGE + 16, PAGE + 32], // start_pfn and end_pfn, of a split set only
  [PAGE + 80, PAGE + 96],
  [PAGE + 32, PAGE + 40], // where VMCOREINFO of 0 bytes lies
  [PAGE + 56, PAGE + 57], // notes, and a zero behind them
  [PAGE + 64, PAGE + 72], // where ERASEINFO of 0 bytes lies
  [PAGE + 104, 2 * PAGE], // what the notes say
];

t.test('changed bits of the headers', async (t) => {
  const dump = await smallDump();
  const matters = (at: number) => !meaningless.some(([from, to]) => at >= from && at < to);
  const overlooked: number[] = [];
  for (let at = 0; at < layout.bitmap1; at += at % PAGE < 480 ? 1 : 7) {
    const state = await stateOf(flipped(dump, at, at % 8));
    if (state === 'complete' && matters(at)) overlooked.push(at);
  }
  t.strictSame(overlooked, []);
});

/** Or the code of the error. */
async function stateOf(bytes: Buffer): Promise<string> {
  try {
    return (await verifyDump(bytes)).state;
  } catch (error) {
    if (isVmcoreError(error)) return error.code;
    throw error;
  }
}

t.test('two descriptors for the same data', async (t) => {
  const { bytes, pages } = await smallDump('none', { dumpLevel: 0 });
  const at = layout.descriptors + 24 * Math.floor(pages / 2);
  bytes.copy(bytes, at, at - 24, at);
  const report = await verifyDump(bytes);
  t.match(report, {
    state: 'damaged',
    damagedPages: 1,
    problemCount: 1,
    problems: [{ offset: at, reason: /out of order/ }],
  });
});

t.test('a page that is damaged', async (t) => {
  const dump = await smallDump('zlib');
  const at = layout.descriptors + 24 * 2;
  const [offset, flags] = [Number(dump.bytes.readBigUInt64LE(at)), dump.bytes.readUInt32LE(at + 12)];
  t.equal(flags, 1, 'it is compressed');
  const report = await verifyDump(flipped(dump, offset + 10));
  t.match(report, { state: 'damaged', damagedPages: 1, problemCount: 1, problems: [{ pfn: 0x102, offset }] });
});

t.test('bytes behind the last page', async (t) => {
  const { bytes } = await smallDump();
  t.equal(
    (await verifyDump(Buffer.concat([bytes, Buffer.alloc(100)]))).state,
    'complete',
    'zeros fill up a block',
  );
  const report = await verifyDump(Buffer.concat([bytes, Buffer.from('something')]));
  t.match(report, {
    state: 'damaged',
    problems: [{ offset: bytes.length, reason: /9 bytes behind its last page/ }],
  });
});

t.test('what was erased lies behind the pages', async (t) => {
  const dump = await smallDump('zlib', { eraseinfo: Buffer.from('erase jiffies size 8\n') });
  t.equal((await verifyDump(dump.bytes)).state, 'complete');
  t.equal((await verifyDump(cutOff(dump, dump.bytes.length - 1))).state, 'incomplete');
  dump.bytes.writeBigUInt64LE(BigInt(dump.data), PAGE + 64);
  t.match(await verifyDump(dump.bytes), { state: 'damaged', problems: [{ reason: /ERASEINFO/ }] });
});

t.test('a report does not grow with the problems', async (t) => {
  const pages = new Map(Array.from({ length: 1500 }, (_, pfn) => [pfn, Buffer.alloc(PAGE, 1)]));
  const descriptor = (_: number, at: PageDescriptor) => ({ ...at, flags: 0x40 });
  const report = await verifyDump(buildKdump({ maxMapnr: 1500, pages, descriptor }));
  t.match(report, { state: 'damaged', pages: 1500, damagedPages: 1500, problemCount: 1500 });
  t.equal(report.problems.length, 1000);
});

t.test('what is no dump, and an abort', async (t) => {
  await t.rejects(verifyDump(Buffer.from('some text that is long enough')), { code: 'ERR_VMCORE_FORMAT' });
  await t.rejects(verifyDump([]), { code: 'ERR_VMCORE_ARGUMENT' });
  await t.rejects(verifyDump('/nonexistent/dump'), { code: 'ERR_VMCORE_OPEN' });
  const { bytes } = await smallDump();
  await t.rejects(verifyDump(bytes, { signal: AbortSignal.abort(new Error('enough')) }), {
    message: 'enough',
  });
});

t.test('random damage: a report or a coded error, soon', async (t) => {
  const dump = await smallDump();
  const change = fc.tuple(fc.nat(dump.bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 16 }));
  const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
    const bytes = Buffer.from(dump.bytes);
    for (const [at, value] of changes) bytes.set(value.subarray(0, bytes.length - at), at);
    return /^(ERR_VMCORE_[A-Z]+|complete|incomplete|damaged)$/.test(await stateOf(bytes));
  });
  await fc.assert(property, { numRuns: 2000 });
  t.pass();
});
