import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codec, codecs } from '../../lib/codecs/registry.ts';
import { FileSink } from '../../lib/output/file-sink.ts';
import type { KdumpDescription } from '../../lib/output/kdump.ts';
import { KdumpWriter } from '../../lib/output/kdump.ts';
import { ZERO_PAGE } from '../../lib/output/page-batch.ts';
import { readKdump } from '../support/kdump-file.ts';
import { oracle, programs, run } from '../support/oracles.ts';
import {
  bitmap,
  description,
  hash,
  maxMapnr,
  PAGE,
  page,
  pfns,
  readThroughLibkdumpfile,
  type TestDump,
  writePages,
} from './memory.ts';
import { MemorySink } from './memory-sink.ts';
import { tinyCore } from './tiny-core.ts';

const codecNames = ['none', 'zlib', 'zstd'] as const;

function codecOf(name: (typeof codecNames)[number]) {
  return name === 'none' ? undefined : codec(name);
}

/** Of the page frames that `filter` passes: everything else is left out. */
async function dumpTo(path: string, changes: Partial<TestDump>, name: (typeof codecNames)[number]) {
  const pageCodec = codecOf(name);
  const dump = description({ ...changes, codec: pageCodec });
  const writer = await writePages(await FileSink.create(path), dump, pageCodec);
  await writer.finish();
  return writer;
}

for (const name of codecNames) {
  t.test(`libkdumpfile reads every page, ${name}`, async (t) => {
    if (!oracle(t, 'libkdumpfile')) return;
    if (name === 'zstd' && !codecs().zstd.available) return t.plan(0, 'no zstd');
    for (const dumpLevel of [0, 1, 31]) {
      const path = join(t.testdir(), `dump-${name}-${dumpLevel}`);
      const kept = (pfn: number) => dumpLevel < 2 || pfn % 5 !== 0;
      const writer = await dumpTo(path, { dumpLevel, bitmap2: bitmap(kept) }, name);
      const wanted = [0, ...pfns(), maxMapnr];
      const expected = Object.fromEntries(
        wanted.map((pfn) => [pfn, pfns(kept).includes(pfn) ? hash(page(pfn)) : 'NoDataException']),
      );
      t.strictSame(await readThroughLibkdumpfile(path, wanted), { format: 'diskdump', ...expected });
      t.equal(writer.size, statSync(path).size);
    }
  });
}

t.test('the same bytes as makedumpfile, raw', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const core = join(t.testdir({ core: tinyCore() }), 'core');
  for (const dumpLevel of [0, 1]) {
    await run(programs.makedumpfile, ['-d', String(dumpLevel), core, `${core}.theirs${dumpLevel}`]);
    await dumpTo(`${core}.ours${dumpLevel}`, { dumpLevel }, 'none');
    const [ours, theirs] = ['ours', 'theirs'].map((who) => readFileSync(`${core}.${who}${dumpLevel}`));
    t.ok(ours!.equals(theirs!), `level ${dumpLevel}`);
  }
});

t.test('all but the compressed data as makedumpfile, zlib', async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const core = join(t.testdir({ core: tinyCore() }), 'core');
  await run(programs.makedumpfile, ['-c', '-d', '1', core, `${core}.theirs`]);
  await dumpTo(`${core}.ours`, { dumpLevel: 1 }, 'zlib');
  const [ours, theirs] = ['ours', 'theirs'].map((who) => readFileSync(`${core}.${who}`));
  const [our, their] = ['ours', 'theirs'].map((who) => readKdump(`${core}.${who}`));
  const upToDescriptors = 4 * PAGE;
  t.ok(ours!.subarray(0, upToDescriptors).equals(theirs!.subarray(0, upToDescriptors)));
  const flags = (dump: typeof our) =>
    Array.from({ length: dump!.descriptors }, (_, i) => dump!.descriptor(i).flags);
  t.strictSame(flags(our), flags(their));
  t.equal(our!.descriptor(0).offset, their!.descriptor(0).offset, 'the shared zero page');
});

t.test('big-endian', async (t) => {
  const sinks = [new MemorySink(), new MemorySink()];
  const [little, big] = sinks as [MemorySink, MemorySink];
  for (const sink of sinks) {
    const writer = await writePages(sink, description({ littleEndian: sink === little, dumpLevel: 1 }));
    await writer.finish();
  }
  t.equal(big.bytes.length, little.bytes.length);
  t.equal(big.bytes.readInt32BE(428), PAGE);
  t.ok(big.bytes.subarray(2 * PAGE, 4 * PAGE).equals(little.bytes.subarray(2 * PAGE, 4 * PAGE)), 'bitmaps');
  const descriptors = 4 * PAGE;
  const data = descriptors + 24 * pfns().length;
  for (let at = descriptors; at < data; at += 24) {
    const [ours, theirs] = [big, little].map(({ bytes }) => Buffer.from(bytes.subarray(at, at + 24)));
    theirs!.subarray(0, 8).swap64();
    theirs!.subarray(8, 16).swap32();
    if (!ours!.equals(theirs!)) t.fail(`descriptor at ${at}`);
  }
  t.ok(big.bytes.subarray(data).equals(little.bytes.subarray(data)), 'pages');
});

t.test('libkdumpfile reads a big-endian dump', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const path = join(t.testdir(), 'dump');
  await dumpTo(path, { littleEndian: false, dumpLevel: 1, notes: new Uint8Array(0) }, 'zlib');
  const expected = Object.fromEntries(pfns().map((pfn) => [pfn, hash(page(pfn))]));
  t.strictSame(await readThroughLibkdumpfile(path, pfns()), { format: 'diskdump', ...expected });
});

t.test('batches of any size give the same bytes', async (t) => {
  const results: Buffer[] = [];
  for (const bufferSize of [2 * PAGE, 5 * PAGE + 17, 1024 * 1024]) {
    const sink = new MemorySink();
    const dump = description({ dumpLevel: 1, codec: codec('zlib') });
    await (await writePages(sink, dump, codec('zlib'), bufferSize)).finish();
    results.push(sink.bytes);
  }
  t.ok(results[0]!.equals(results[1]!));
  t.ok(results[0]!.equals(results[2]!));
});

t.test('room for descriptors comes before data, data before descriptors, the mark goes last', async (t) => {
  const sink = new MemorySink();
  const writer = await writePages(sink, description());
  t.equal(sink.bytes.readUInt32LE(424), 8, 'marked incomplete');
  await writer.finish();
  t.equal(sink.bytes.readUInt32LE(424), 0);
  const count = pfns().length;
  const data = 4 * PAGE + 24 * count;
  t.strictSame(sink.calls, [
    'write 0 464',
    `write ${PAGE} 104`,
    `write ${PAGE + 104} 712`,
    `write ${2 * PAGE} ${PAGE}`,
    `write ${3 * PAGE} ${PAGE}`,
    `reserve ${4 * PAGE} ${24 * count}`,
    `write ${data} ${PAGE * count}`,
    `write ${4 * PAGE} ${24 * count}`,
    'sync',
    'finish 0 464',
  ]);
});

t.test('notes, VMCOREINFO, phys_base', async (t) => {
  const sink = new MemorySink();
  const changes = {
    notes: Buffer.alloc(5000, 'n'),
    vmcoreinfo: { offset: 24, size: 4000 },
    physBase: -4096n,
  };
  await (await writePages(sink, description(changes))).finish();
  t.equal(sink.bytes.readInt32LE(432), 2, 'blocks of the sub header');
  t.equal(sink.bytes.readBigInt64LE(PAGE), -4096n);
  t.equal(sink.bytes.readBigInt64LE(PAGE + 32), 4200n + 24n);
  t.equal(sink.bytes.readBigInt64LE(PAGE + 40), 4000n);
  t.equal(sink.bytes.toString('latin1', 4200, 9200), 'n'.repeat(5000));
  t.ok(sink.bytes.subarray(3 * PAGE, 3 * PAGE + 10).equals(Buffer.from(bitmap().subarray(0, 10))));
});

t.test('a dump without pages ends behind its bitmaps', async (t) => {
  const sink = new MemorySink();
  const writer = await writePages(sink, description({ bitmap2: new Uint8Array(bitmap().length) }));
  await writer.finish();
  t.equal(sink.bytes.length, 4 * PAGE);
});

t.test('bitmaps of several pieces', async (t) => {
  const frames = 8 * (2 * 1024 * 1024 + PAGE) + 3;
  const map = new Uint8Array(Math.ceil(frames / 8));
  map[0] = 0x80;
  map[1024 * 1024] = 0x01;
  map[map.length - 1] = 0x04;
  const sink = new MemorySink();
  const writer = new KdumpWriter(description({ maxMapnr: frames }), sink);
  await writer.announce([map.subarray(0, 1024 * 1024), map.subarray(1024 * 1024)]);
  for (let at = 0; at < map.length; at += 3 * PAGE) await writer.addBitmap(map.subarray(at, at + 3 * PAGE));
  await writer.begin();
  t.equal(sink.bytes.readUInt32LE(436), 2 * 514);
  t.ok(sink.bytes.subarray(2 * PAGE + 514 * PAGE, 2 * PAGE + 514 * PAGE + map.length).equals(map));
  t.equal(sink.bytes.length, 2 * PAGE + 2 * 514 * PAGE);
});

t.test('what contradicts itself', async (t) => {
  const wrong: Partial<KdumpDescription>[] = [
    { pageSize: 1024 },
    { pageSize: 5000 },
    { utsname: new Uint8Array(65) },
    { crashTime: 1.5 },
    { maxMapnr: -1 },
    { dumpLevel: 32 },
    { vmcoreinfo: { offset: 700, size: 100 } },
  ];
  for (const changes of wrong) {
    const make = () => new KdumpWriter(description(changes), new MemorySink());
    t.throws(make, { code: 'ERR_VMCORE_ARGUMENT' }, Object.keys(changes)[0]);
  }
});

t.test('bitmaps that do not fit the dump', async (t) => {
  for (const wrong of [
    { bitmap1: new Uint8Array(3) },
    { bitmap2: bitmap().fill(0xff) },
    { bitmap2: new Uint8Array(3) },
  ]) {
    const writer = new KdumpWriter(description(), new MemorySink());
    await t.rejects(writer.beginWith(description(wrong)), { code: 'ERR_VMCORE_ARGUMENT' });
  }
});

t.test('batches that do not fit the dump', async (t) => {
  const writer = new KdumpWriter(description(), new MemorySink());
  await writer.beginWith(description());
  const batch = (count: number, size: number, flag: number, bytes: number) => ({
    count,
    sizes: new Uint32Array(count).fill(size),
    flags: new Uint32Array(count).fill(flag),
    data: new Uint8Array(bytes),
  });
  const refused = { code: 'ERR_VMCORE_ARGUMENT' };
  await t.rejects(writer.append(batch(pfns().length + 1, 1, 1, pfns().length + 1)), refused, 'too many');
  await t.rejects(writer.append(batch(2, 10, 1, 19)), refused, 'too few bytes');
  await t.rejects(writer.append(batch(1, PAGE + 1, 1, PAGE + 1)), refused, 'too large');
  await t.rejects(writer.append(batch(1, 0, ZERO_PAGE, 0)), refused, 'no zero page at level 0');
  await t.rejects(writer.finish(), { ...refused, message: /107 pages, but 0/ });
});
