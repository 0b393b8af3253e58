// The extended format of the s390 stand-alone dumpers: memory in segments, compressed or not (s390-tools,
// include/dump/s390_dump.h, zipl/boot/eckd2dump_zlib.c).
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { type OpenOptions, openVmcore } from '../../lib/index.ts';
import { bundledS390xCore } from '../support/cores.ts';
import { buildS390Dump, type S390DumpShape, segmentsOf, TOD } from '../support/s390-dump-builder.ts';
import { buildS390xCore } from '../support/s390x-core.ts';

t.setTimeout(300_000);

const MIB = 1 << 20;
const PAGE = 4096;
/** Megabytes 1 and 5 are zeros; 2 can't be compressed, 3 can, and 4 is zeros but for its last page. */
const { bytes: memory } = buildS390xCore({
  memoryPages: 8 * 256,
  change(image) {
    image.write(2 * MIB, randomBytes(MIB));
    image.write(3 * MIB, Buffer.alloc(MIB, 'A page that gets smaller. '));
    image.write(5 * MIB - PAGE, randomBytes(PAGE));
  },
}).memory;

/** The segments of that memory: megabyte 0, 2 to 4, 6 and 7. */
function extended(shape: Partial<S390DumpShape> = {}): Buffer {
  return buildS390Dump({ memory, segments: segmentsOf(memory, false), ...shape });
}

function compressed(shape: Partial<S390DumpShape> = {}): Buffer {
  const segments = segmentsOf(memory, true).map((segment, i) =>
    i === 1 ? { ...segment, rawEntries: [0] } : segment,
  );
  return buildS390Dump({ memory, segments, ...shape });
}

/** Segment 0 is never compressed: where the header of segment 1 is, and its data. */
const SECOND = PAGE + PAGE + MIB;
const SECOND_DATA = SECOND + PAGE;

const kinds: readonly [string, Buffer][] = [
  ['as it is', extended()],
  ['behind a longer header', extended({ headerBytes: 2 * PAGE })],
  ['compressed', compressed()],
  ['compressed, in blocks of 2048 bytes', compressed({ blockBytes: 2048 })],
  ['compressed, in blocks of 512 bytes', compressed({ blockBytes: 512 })],
  ['compressed, in smaller entries', compressed({ entryBytes: 16 * PAGE, blockBytes: 1024 })],
  ['compressed, in one large entry', compressed({ entryBytes: 16 * MIB })],
];

t.test('all of memory, with the zeros between segments', async (t) => {
  for (const [what, bytes] of kinds) {
    await using core = await openVmcore(bytes);
    t.match(core, { format: 's390-dump', arch: 's390x', maxPfn: 8 * 256, incomplete: false }, what);
    t.ok(Buffer.from(core.readPhysical(0, memory.length)).equals(memory), what);
    t.throws(() => core.readPhysical(memory.length, 1), { code: 'ERR_VMCORE_NOT_PRESENT' });
  }
});

t.test('memory in any order, and across segments', async (t) => {
  await using core = await openVmcore(compressed({ entryBytes: 16 * PAGE }));
  for (let i = 0; i < 300; i++) {
    const from = Math.floor(Math.random() * (memory.length - 3 * PAGE));
    const length = Math.floor(Math.random() * 3 * PAGE);
    t.ok(Buffer.from(core.readPhysical(from, length)).equals(memory.subarray(from, from + length)));
  }
  for (const border of [1, 2, 4, 5, 6].map((megabyte) => megabyte * MIB)) {
    const bytes = Buffer.from(core.readPhysical(border - 10, 20));
    t.ok(bytes.equals(memory.subarray(border - 10, border + 10)), `around ${border}`);
  }
});

t.test('a dump of it has what that of the plain dump has', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'dump');
  await using plain = await openVmcore(buildS390Dump({ memory }));
  const { counts, unreadable } = await plain.classify({ level: 31 });
  await plain.dump(path, { level: 31, format: 'elf' });
  const elf = readFileSync(path);
  let kdump: Buffer | undefined;
  for (const [i, [what, bytes]] of kinds.entries()) {
    const file = join(folder, `core${i}`);
    writeFileSync(file, bytes);
    await using core = await openVmcore(file);
    t.match(await core.classify({ level: 31 }), { counts, unreadable, absent: 2 * 256 }, what);
    for (const workers of [0, 2]) {
      await core.dump(path, { level: 31, format: 'elf', workers, force: true });
      t.ok(readFileSync(path).equals(elf), `${what}, ELF, ${workers} workers`);
      await core.dump(path, { level: 31, compression: 'zlib', workers, force: true });
      kdump ??= readFileSync(path);
      t.ok(readFileSync(path).equals(kdump), `${what}, ${workers} workers`);
    }
  }
  // Megabytes that are zeros were left out already: the plain dump has them as pages of zeros.
  await using written = await openVmcore(path, { excluded: 'zeros' });
  t.ok(Buffer.from(written.readPhysical(0, memory.length)).equals(memory));
});

t.test('a real machine', async (t) => {
  const { path } = await bundledS390xCore();
  await using elf = await openVmcore(path);
  const { offset, fileSize } = elf.segments[0]!;
  const real = readFileSync(path).subarray(offset, offset + fileSize);
  const prefixes = [Number(elf.cpus[0]!.registers.prefix)];
  await using plain = await openVmcore(buildS390Dump({ memory: real, prefixes }));
  for (const isCompressed of [false, true]) {
    const segments = segmentsOf(real, isCompressed);
    const file = join(t.testdir(), 'core');
    writeFileSync(file, buildS390Dump({ memory: real, prefixes, segments }));
    await using core = await openVmcore(file);
    t.match(await core.diff(plain, { common: true }), { equal: true });
    t.same(core.dmesg(), elf.dmesg());
    t.same(core.cpus, plain.cpus);
    t.equal(core.cpus[0]!.registers.v31, elf.cpus[0]!.registers.v31);
    const { counts } = await core.classify();
    t.same(counts, (await elf.classify()).counts);
  }
});

t.test('the place in the file is told where memory is in it as it is', async (t) => {
  const address = 0x360_0000_0000n + BigInt(2 * MIB);
  await using plain = await openVmcore(extended());
  t.equal(plain.vtop(address).page!.offset, SECOND_DATA);
  await using other = await openVmcore(compressed());
  t.equal(other.vtop(address).page!.offset, undefined);
});

t.test('memory that is read by turns is decompressed once', async (t) => {
  const file = join(t.testdir(), 'core');
  writeFileSync(file, compressed());
  await using core = await openVmcore(file, { access: 'read' });
  const read = () => [3, 4, 6].map((megabyte) => core.readPhysical(megabyte * MIB + PAGE, 64 * PAGE));
  read();
  const { preads } = core.counters;
  for (let i = 0; i < 4; i++) read();
  t.equal(core.counters.preads, preads);
});

t.test('a memory budget has room for what is kept, or is refused', async (t) => {
  const file = join(t.testdir(), 'core');
  writeFileSync(file, compressed());
  await t.rejects(
    async () => {
      await using core = await openVmcore(file, { memoryBudget: 4 * MIB });
      await core.dump(join(t.testdir(), 'dump'), { workers: 0 });
    },
    { code: 'ERR_VMCORE_ARGUMENT', message: /memoryBudget/ },
  );
  await using core = await openVmcore(file, { memoryBudget: 32 * MIB });
  t.ok(Buffer.from(core.readPhysical(0, memory.length)).equals(memory));
});

t.test('memory behind the last segment is zeros', async (t) => {
  const longer = Buffer.concat([memory, Buffer.alloc(2 * MIB)]);
  for (const isCompressed of [false, true]) {
    const segments = segmentsOf(longer, isCompressed);
    for (const ended of [segments, [...segments, { start: 0, length: 0 }]]) {
      await using core = await openVmcore(buildS390Dump({ memory: longer, segments: ended }));
      t.notOk(core.incomplete);
      t.ok(Buffer.from(core.readPhysical(0, longer.length)).equals(longer));
    }
  }
});

t.test('a machine whose memory is zeros', async (t) => {
  const zeros = Buffer.alloc(2 * MIB);
  await using core = await openVmcore(buildS390Dump({ memory: zeros, segments: [{ start: 0, length: 0 }] }));
  t.same(Buffer.from(core.readPhysical(0, zeros.length)), zeros);
});

/** Opens one that is refused unless `allowTruncated`, of which memory is readable up to `end` at least. */
async function checkIncomplete(t: Test, bytes: Buffer, what: string, end: number): Promise<void> {
  await t.rejects(openVmcore(bytes), { code: 'ERR_VMCORE_TRUNCATED' }, what);
  await using core = await openVmcore(bytes, { allowTruncated: true });
  t.ok(core.incomplete, what);
  t.ok(Buffer.from(core.readPhysical(0, end)).equals(memory.subarray(0, end)), what);
}

t.test('one that did not come to its end', async (t) => {
  for (const [kind, build] of [
    ['as it is', extended],
    ['compressed', compressed],
    ['in blocks of 512', () => compressed({ blockBytes: 512, entryBytes: 16 * PAGE })],
    ['in blocks of 512, with one entry', () => compressed({ blockBytes: 512, entryBytes: 4 * MIB })],
  ] as [string, (shape?: Partial<S390DumpShape>) => Buffer][]) {
    const whole = build();
    await using complete = await openVmcore(whole, { allowTruncated: true });
    t.notOk(complete.incomplete, kind);
    await checkIncomplete(t, whole.subarray(0, -8), `${kind}, cut off in its end marker`, memory.length);
    await checkIncomplete(t, whole.subarray(0, -100), `${kind}, cut off in its last segment`, 5 * MIB);
    await checkIncomplete(t, whole.subarray(0, SECOND), `${kind}, cut off before segment 1`, MIB);
    await checkIncomplete(t, whole.subarray(0, SECOND + 9), `${kind}, cut off in a header`, MIB);
    await checkIncomplete(t, whole.subarray(0, SECOND_DATA + 5), `${kind}, cut off in segment 1`, 2 * MIB);
    await checkIncomplete(t, whole.subarray(0, 3 * PAGE), `${kind}, cut off in segment 0`, PAGE);
    const blank = Buffer.concat([whole.subarray(0, SECOND), Buffer.alloc(MIB)]);
    await checkIncomplete(t, blank, `${kind}, on a partition that was blank`, MIB);
  }
});

t.test('an end marker that is none, or of an earlier dump', async (t) => {
  for (const build of [extended, compressed]) {
    const older = build({ endTod: TOD - 1n });
    await checkIncomplete(t, older, 'an older one', memory.length);
    await t.rejects(openVmcore(older), { message: /end marker of an earlier dump/ });
    await checkIncomplete(t, build({ endMarker: 'DUMP_ENX' }), 'none', memory.length);
  }
});

t.test('what is there of a segment that was cut off are whole entries', async (t) => {
  const entryBytes = 16 * PAGE;
  for (const blockBytes of [4096, 512]) {
    const whole = compressed({ entryBytes, blockBytes });
    // Megabyte 2 does not get smaller: entry 0 is stored as it is, 1 takes 17 pages, 2 is not all there.
    const bytes = whole.subarray(0, SECOND_DATA + entryBytes + 17 * PAGE + 10 * PAGE);
    await using core = await openVmcore(bytes, { allowTruncated: true });
    const end = 2 * MIB + 2 * entryBytes;
    t.equal(core.memoryBytes, MIB + 2 * entryBytes);
    t.ok(Buffer.from(core.readPhysical(0, end)).equals(memory.subarray(0, end)), `blocks of ${blockBytes}`);
    t.throws(() => core.readPhysical(end, 1), { code: 'ERR_VMCORE_NOT_PRESENT' });
  }
});

/** What is wrong with the header of segment 1, or with the header of the dump. */
type Damage = (bytes: Buffer) => void;

const DAMAGED: Record<string, [RegExp, Damage]> = {
  'a segment within the one before': [
    /segment/,
    (bytes) => bytes.writeBigUInt64BE(BigInt(MIB - PAGE), SECOND),
  ],
  'a segment of nothing, not the last': [/segment/, (bytes) => bytes.writeBigUInt64BE(0n, SECOND + 8)],
  'a segment of part of a page': [/segment/, (bytes) => bytes.writeBigUInt64BE(100n, SECOND + 8)],
  'a segment beyond memory': [/segment/, (bytes) => bytes.writeBigUInt64BE(BigInt(7 * MIB), SECOND + 8)],
  'a segment beyond all addresses': [/segment/, (bytes) => bytes.writeBigUInt64BE(2n ** 64n - 4096n, SECOND)],
  'a chain that goes on behind its end': [
    /segment/,
    (bytes) => bytes.writeBigUInt64BE(0n, bytes.lastIndexOf(Buffer.alloc(8, 0xff))),
  ],
};

const DAMAGED_COMPRESSED: Record<string, [RegExp, Damage]> = {
  'entries of no bytes': [/entries of 0 bytes/, (bytes) => bytes.writeUInt32BE(0, 98)],
  'entries that are huge': [/entries of/, (bytes) => bytes.writeUInt32BE(32 * MIB, 98)],
  'entries of part of a page': [/entries of/, (bytes) => bytes.writeUInt32BE(100, 98)],
  'too few entries': [/compressed entries/, (bytes) => bytes.writeUInt32BE(2, SECOND + 0x30)],
  'too many entries': [/compressed entries/, (bytes) => bytes.writeUInt32BE(2 ** 32 - 1, SECOND + 0x30)],
  'an entry beyond its segment': [
    /can't be stored/,
    (bytes) => bytes.writeUInt32BE(0x7fffffff, SECOND + 0x3c),
  ],
  'entries that descend': [/can't be stored/, (bytes) => bytes.writeUInt32BE(1, SECOND + 0x3c)],
  'an entry as it is with too little room': [
    /can't be stored/,
    (bytes) => bytes.writeUInt32BE(100, SECOND + 0x38),
  ],
  'a segment that takes too few blocks': [
    /in blocks of none of 4096, 2048, 1024, 512 bytes/,
    (bytes) => bytes.writeUInt32BE(bytes.readUInt32BE(SECOND + 0x18) - 1, SECOND + 0x18),
  ],
};

t.test('headers that can not be', async (t) => {
  for (const [build, cases] of [
    [extended, DAMAGED],
    [compressed, { ...DAMAGED, ...DAMAGED_COMPRESSED }],
    [() => compressed({ blockBytes: 512 }), { ...DAMAGED, ...DAMAGED_COMPRESSED }],
  ] as const) {
    for (const [what, [message, damage]] of Object.entries(cases)) {
      // A copy of a partition goes on behind the dump.
      const bytes = Buffer.concat([build(), Buffer.alloc(2 * PAGE)]);
      damage(bytes);
      const options: OpenOptions[] = [{}, { allowTruncated: true }];
      for (const way of options)
        await t.rejects(openVmcore(bytes, way), { code: 'ERR_VMCORE_CORRUPT', message }, what);
    }
  }
});

t.test('a segment longer than the file', async (t) => {
  const bytes = compressed();
  bytes.writeUInt32BE(2 ** 32 - 1, SECOND + 0x18);
  await t.rejects(openVmcore(bytes), { code: 'ERR_VMCORE_CORRUPT' }, 'its last entry takes all of it');
  const sparse = buildS390Dump({ memory, segments: segmentsOf(memory, false) });
  sparse.writeBigUInt64BE(2n ** 51n, 24);
  sparse.writeBigUInt64BE(2n ** 50n, SECOND + 8);
  await checkIncomplete(t, sparse, 'not compressed', 5 * MIB);
});

t.test('kinds that are not read', async (t) => {
  const volume = extended();
  volume.writeUInt8(1, 92);
  await t.rejects(openVmcore(volume), { code: 'ERR_VMCORE_FORMAT', message: /multi-volume.*zgetdump/ });
  const version = compressed();
  version.writeUInt32BE(3, 8);
  await t.rejects(openVmcore(version), { code: 'ERR_VMCORE_FORMAT', message: /version 3/ });
});

t.test('memory that can not be decompressed', async (t) => {
  const whole = compressed();
  // Megabyte 3 is entry 1 of segment 1.
  const offset = SECOND_DATA + whole.readUInt32BE(SECOND + 0x38) * PAGE;
  const streams: Record<string, Uint8Array> = {
    'no stream': Buffer.alloc(100, 0xff),
    'a stream that is damaged': Buffer.concat([whole.subarray(offset, offset + 50), Buffer.alloc(100)]),
    'a stream of too little': deflateSync(Buffer.alloc(100)),
    'a stream of too much': deflateSync(Buffer.alloc(MIB + 1)),
  };
  const folder = t.testdir();
  const file = join(folder, 'core');
  for (const [what, stream] of Object.entries(streams)) {
    const bytes = Buffer.from(whole);
    bytes.set(stream, offset);
    writeFileSync(file, bytes);
    await using core = await openVmcore(file);
    for (const _ of ['first', 'again']) {
      const error = { code: 'ERR_VMCORE_CORRUPT', address: 3 * MIB, offset, file, cause: Error };
      t.throws(() => core.readPhysical(3 * MIB + 5, 10), error, what);
    }
    t.ok(Buffer.from(core.readPhysical(2 * MIB, MIB)).equals(memory.subarray(2 * MIB, 3 * MIB)), 'before it');
    t.ok(Buffer.from(core.readPhysical(4 * MIB, MIB)).equals(memory.subarray(4 * MIB, 5 * MIB)), 'behind it');
    const report = await core.dump(join(folder, 'dump'), { level: 0, force: true });
    t.match(report, { complete: false, unreadablePages: 256 }, 'a dump says so');
  }
});
