// Files that contradict themselves, made to cost time, memory or a wrong answer: a coded error, or the one right reading.
import t from 'tap';
import { codec } from '../../lib/codecs/registry.ts';
import {
  encodeEndMarker,
  encodeFlattenedHeader,
  encodeRecordHead,
} from '../../lib/formats/flattened-layout.ts';
import { openVmcore } from '../../lib/index.ts';
import { buildElfCore, pattern } from '../support/elf-builder.ts';
import { buildKdump, type KdumpShape } from '../support/kdump-builder.ts';

const PAGE = 4096;
const page = (pfn: number) => pattern(PAGE, pfn);
const pages = new Map([1, 2, 3, 4].map((pfn) => [pfn, page(pfn)]));
const shape: KdumpShape = { maxMapnr: 10, pages };

for (const [name, flags] of Object.entries({ zlib: 1, lzo: 2, snappy: 4, zstd: 0x20 } as const)) {
  t.test(`a decompression bomb, ${name}: the page is corrupt, and told by its pfn`, async (t) => {
    const room = new Uint8Array(1 << 20);
    const bomb = room.slice(0, codec(name as 'zlib').compress(new Uint8Array(20 * PAGE), room));
    const end = buildKdump(shape).length;
    const file = buildKdump({
      ...shape,
      descriptor: (pfn, at) => (pfn === 2 ? { offset: end, size: bomb.length, flags } : at),
    });
    await using core = await openVmcore(Buffer.concat([file, bomb]));
    const corrupt = { code: 'ERR_VMCORE_CORRUPT', address: 2 * PAGE, message: /pfn 2 can't be decompressed/ };
    t.throws(() => core.readPhysical(2 * PAGE, PAGE), corrupt);
    t.same(core.readPhysical(3 * PAGE, PAGE), page(3), 'its neighbour is as it was');
  });
}

t.test('descriptors that point at the same page, into one another and at themselves', async (t) => {
  const ends = buildKdump(shape).length - 4 * PAGE;
  const file = buildKdump({
    ...shape,
    descriptor: (pfn, at) =>
      ({ 2: { ...at, offset: ends }, 3: { ...at, offset: ends + 100 }, 4: { ...at, offset: ends - 24 } })[
        pfn
      ] ?? at,
  });
  await using core = await openVmcore(file);
  t.same(core.readPhysical(2 * PAGE, PAGE), page(1), 'another page');
  const both = Buffer.concat([page(1), page(2)]);
  t.same(core.readPhysical(3 * PAGE, PAGE), both.subarray(100, PAGE + 100), 'parts of two');
  t.throws(() => core.readPhysical(4 * PAGE, 1), {
    code: 'ERR_VMCORE_CORRUPT',
    message: /pfn 4 is stored at offset/,
  });
});

t.test('bitmaps that say more pages than the file has descriptors for', async (t) => {
  const file = buildKdump(shape);
  file.fill(0xff, 2 * PAGE, 2 * PAGE + 1);
  file.fill(0xff, 3 * PAGE, 3 * PAGE + 1);
  await using core = await openVmcore(file);
  for (const pfn of [0, 4, 5, 6, 7]) {
    t.throws(
      () => core.readPhysical(pfn * PAGE, 1),
      { name: 'VmcoreError', address: pfn * PAGE },
      `pfn ${pfn}`,
    );
  }
});

function flattened(...records: readonly (readonly [offset: number, bytes: Uint8Array])[]): Buffer {
  const parts = records.flatMap(([offset, bytes]) => [encodeRecordHead(offset, bytes.length), bytes]);
  return Buffer.concat([encodeFlattenedHeader(), ...parts, encodeEndMarker()]);
}

const elf = buildElfCore({ segments: [{ paddr: PAGE, data: Buffer.concat([page(1), page(2)]) }] });

for (const [name, plain] of [
  ['kdump', buildKdump(shape)],
  ['ELF', elf],
] as const) {
  t.test(`flattened ${name}: chunks in any order, the last one wins, gaps are zeros`, async (t) => {
    const chunks = Array.from(
      { length: Math.ceil(plain.length / 1000) },
      (_, i) => [i * 1000, plain.subarray(i * 1000, (i + 1) * 1000)] as const,
    );
    const wrong = [500, new Uint8Array(plain.length - 500).fill(0xee)] as const;
    await using whole = await openVmcore(plain);
    await using core = await openVmcore(flattened(wrong, ...chunks.toReversed()));
    t.equal(core.format, whole.format);
    t.match(await core.diff(whole), { equal: true, compared: whole.memoryBytes / PAGE });
    const withZeros = flattened(
      [0, plain.subarray(0, plain.length - PAGE)],
      [plain.length - 1, Uint8Array.of(7)],
    );
    await using gap = await openVmcore(withZeros);
    t.match(await gap.diff(whole), { rangeCount: 1, counts: { content: { pages: 1 } } });
  });

  t.test(`flattened ${name} without an end marker`, async (t) => {
    const stream = flattened([0, plain]);
    const cut = stream.subarray(0, stream.length - 16);
    await t.rejects(openVmcore(cut), { code: 'ERR_VMCORE_TRUNCATED', message: /no end marker/ });
    await using core = await openVmcore(cut, { allowTruncated: true });
    await using whole = await openVmcore(plain);
    t.match(await core.diff(whole), { equal: true });
  });
}

t.test('flattened chunks that all overlap', async (t) => {
  const nested = Array.from({ length: 20_000 }, (_, i) => [i % 97, new Uint8Array(200).fill(i)] as const);
  await using core = await openVmcore(flattened(...nested, [0, elf]));
  await using whole = await openVmcore(elf);
  t.match(await core.diff(whole), { equal: true });
});

t.test('flattened chunks whose places wrap', async (t) => {
  for (const [offset, size] of [
    [-1n, 5n],
    [-(2n ** 63n), 1n],
    [2n ** 63n - 1n, 2n],
    [2n ** 53n, 1n],
    [0n, -5n],
  ] as const) {
    const head = Buffer.alloc(16);
    head.writeBigInt64BE(offset, 0);
    head.writeBigInt64BE(size, 8);
    const stream = Buffer.concat([encodeFlattenedHeader(), head, Buffer.alloc(64)]);
    await t.rejects(openVmcore(stream), { code: 'ERR_VMCORE_CORRUPT' }, `${size} bytes at ${offset}`);
  }
});

t.test('thousands of segments on the same memory', async (t) => {
  const data = page(1);
  const segments = Array.from({ length: 5000 }, (_, i) => ({ paddr: (i % 7) * 16, data, offset: 2 ** 19 }));
  await using core = await openVmcore(buildElfCore({ segments }));
  t.same(core.readPhysical(0, PAGE), data, 'the first one counts');
  t.equal(core.memoryBytes, PAGE + 6 * 16);
});
