// Which PT_LOADs an ELF core has, and what is read from one with pages missing.
import t from 'tap';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import type { Segment } from '../../lib/formats/core-file.ts';
import { openVmcore } from '../../lib/index.ts';
import { ElfWriter } from '../../lib/output/elf.ts';
import { type ElfPlan, planElf } from '../../lib/output/elf-plan.ts';
import { MISSING_PAGE, type PageBatch, ZERO_PAGE } from '../../lib/output/page-batch.ts';
import { EM_X86_64 } from '../support/elf-builder.ts';
import { notes, PAGE, page } from './memory.ts';
import { MemorySink } from './memory-sink.ts';

const pages = 2048;

/** A segment of so many bytes at a physical address. */
function segment(paddr: number, size: number, vaddr = 0n): Segment {
  return { paddr, vaddr, offset: 0, fileSize: size, memSize: size, flags: 7, align: 0n };
}

function bitmapOf(...ranges: readonly (readonly [first: number, end: number])[]): PageBitmap {
  const bitmap = new PageBitmap(pages);
  for (const [first, end] of ranges) bitmap.set(first, end);
  return bitmap;
}

/** The loads as [physical address, bytes of data, bytes of memory], in pages where they are whole. */
function loadsOf({ loads }: ElfPlan): number[][] {
  return loads.map(({ paddr, fileSize, memSize }) => [paddr / PAGE, fileSize / PAGE, memSize / PAGE]);
}

function plan(segments: readonly Segment[], kept: PageBitmap, never?: PageBitmap): Promise<ElfPlan> {
  return planElf(segments, { pageSize: PAGE, kept, never });
}

const missing = 'missing';

/** Pages as the copy pass hands them on. */
function batchOf(wanted: readonly number[], isMissing: (pfn: number) => boolean): PageBatch {
  const there = wanted.filter((pfn) => !isMissing(pfn));
  return {
    count: wanted.length,
    sizes: Uint32Array.from(wanted, (pfn) => (isMissing(pfn) ? 0 : PAGE)),
    flags: Uint32Array.from(wanted, (pfn) => (isMissing(pfn) ? MISSING_PAGE : 0)),
    data: Buffer.concat(there.map(page)),
  };
}

function writerOf(elf: ElfPlan): [ElfWriter, MemorySink] {
  const sink = new MemorySink();
  const dump = { pageSize: PAGE, littleEndian: true, machine: EM_X86_64, notes, plan: elf };
  return [new ElfWriter(dump, sink), sink];
}

function pfnsOf({ pages: wanted }: ElfPlan): number[] {
  return [...wanted.runs()].flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
}

/** The bytes of a complete core, written in batches of some pages. */
async function write(elf: ElfPlan, isMissing: (pfn: number) => boolean = () => false): Promise<Buffer> {
  const [writer, sink] = writerOf(elf);
  await writer.begin();
  const wanted = pfnsOf(elf);
  for (let i = 0; i < wanted.length; i += 7) await writer.append(batchOf(wanted.slice(i, i + 7), isMissing));
  await writer.finish();
  t.equal(writer.size, sink.bytes.length);
  return sink.bytes;
}

/** Of each page: whether it is that of memory.ts, zeros, or in no PT_LOAD. */
async function read(core: Uint8Array, wanted: readonly number[]): Promise<string[]> {
  await using opened = await openVmcore(core);
  return wanted.map((pfn) => {
    try {
      const bytes = Buffer.from(opened.readPhysical(pfn * PAGE, PAGE));
      return bytes.equals(page(pfn)) ? 'same' : bytes.equals(Buffer.alloc(PAGE)) ? 'zeros' : 'other';
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_VMCORE_NOT_PRESENT') return missing;
      throw error;
    }
  });
}

/** e_flags. */
function flagsOf(core: Buffer): number {
  return core.readUInt32LE(48);
}

t.test('a run of 256 excluded pages is cut out, a shorter one is written', async (t) => {
  const memory = [segment(0, 600 * PAGE, 0xffff888000000000n)];
  const short = await plan(memory, bitmapOf([0, 10], [265, 600]));
  t.strictSame(loadsOf(short), [[0, 600, 600]]);
  t.equal(short.pages.count(), 600);
  const long = await plan(memory, bitmapOf([0, 10], [266, 600]));
  t.strictSame(loadsOf(long), [
    [0, 10, 266],
    [266, 334, 334],
  ]);
  t.equal(long.pages.count(), 344);
  t.equal(long.loads[1]!.vaddr, 0xffff888000000000n + 266n * 4096n);
  t.strictSame(await read(await write(long), [0, 9, 11, 265, 266, 599]), [
    'same',
    'same',
    'zeros',
    'zeros',
    'same',
    'same',
  ]);
});

t.test('excluded pages at the beginning and at the end of a segment', async (t) => {
  const memory = [segment(100 * PAGE, 800 * PAGE)];
  t.strictSame(loadsOf(await plan(memory, bitmapOf([355, 400]))), [[100, 300, 800]], 'a short run first');
  t.strictSame(
    loadsOf(await plan(memory, bitmapOf([356, 400]))),
    [
      [100, 0, 256],
      [356, 44, 544],
    ],
    'a long run first',
  );
  t.strictSame(loadsOf(await plan(memory, bitmapOf())), [[100, 0, 800]], 'nothing kept');
});

t.test('parts of pages at the ends of a segment', async (t) => {
  const memory = [segment(0x800, 2 * PAGE)];
  const elf = await plan(memory, bitmapOf([1, 3]));
  t.strictSame(loadsOf(elf), [[0.5, 2, 2]]);
  t.equal(elf.pages.count(), 3, 'the part at the beginning is written, excluded or not');
  await using core = await openVmcore(await write(elf));
  const expected = Buffer.concat([page(0), page(1), page(2)]).subarray(0x800, 0x800 + 2 * PAGE);
  t.ok(Buffer.from(core.readPhysical(0x800, 2 * PAGE)).equals(expected));
});

t.test('a page that must not be read is cut out of the shortest run', async (t) => {
  const elf = await plan([segment(0, 20 * PAGE)], bitmapOf([0, 5], [7, 10], [12, 20]), bitmapOf([6, 7]));
  t.strictSame(loadsOf(elf), [
    [0, 5, 7],
    [7, 13, 13],
  ]);
  t.notOk(elf.pages.has(6));
  t.ok(elf.pages.has(10));
});

t.test('segments that overlap have the same pages, each for itself', async (t) => {
  const memory = [segment(20 * PAGE, 10 * PAGE, 0xffffffff81000000n), segment(0, 50 * PAGE)];
  const elf = await plan(memory, bitmapOf([0, 50]));
  const core = await write(elf);
  const [text, all] = elf.loads.map(({ offset, fileSize }) => {
    const start = core.length - elf.dataSize + offset;
    return core.subarray(start, start + fileSize);
  });
  t.equal(elf.dataSize, 60 * PAGE);
  t.ok(text!.equals(all!.subarray(20 * PAGE, 30 * PAGE)));
  t.strictSame(new Set(await read(core, pfnsOf(elf))), new Set(['same']));
});

t.test('pages that could not be read are in no PT_LOAD', async (t) => {
  for (const [name, lost] of [
    ['a few', [3, 21, 22, 49]],
    ['more than the notes make room for', Array.from({ length: 25 }, (_, i) => 2 * i)],
  ] as const) {
    const elf = await plan([segment(20 * PAGE, 10 * PAGE), segment(0, 50 * PAGE)], bitmapOf([0, 50]));
    const core = await write(elf, (pfn) => lost.some((one) => one === pfn));
    t.equal(flagsOf(core), 1, `${name}: marked incomplete`);
    const expected = pfnsOf(elf).map((pfn) => (lost.some((one) => one === pfn) ? missing : 'same'));
    t.strictSame(await read(core, pfnsOf(elf)), expected, name);
    await using opened = await openVmcore(core);
    t.equal(opened.notes.length, 2, `${name}: the notes are still there`);
  }
});

t.test('a core that was not finished has what was written', async (t) => {
  const elf = await plan(
    [segment(20 * PAGE, 10 * PAGE), segment(0, 900 * PAGE)],
    bitmapOf([0, 50], [600, 700]),
  );
  const [writer, sink] = writerOf(elf);
  await writer.begin();
  t.equal(flagsOf(sink.bytes), 1, 'marked incomplete from the beginning');
  await writer.append(batchOf(pfnsOf(elf).slice(0, 27), (pfn) => pfn === 5));
  t.equal(await writer.abort('keep'), 'memory');
  t.equal(flagsOf(sink.bytes), 1);
  t.strictSame(await read(sink.bytes, [0, 4, 5, 6, 26, 27, 49, 100, 600]), [
    'same',
    'same',
    missing,
    'same',
    'same',
    missing,
    missing,
    missing,
    missing,
  ]);
});

t.test('more program headers than e_phnum can say', async (t) => {
  const memory = Array.from({ length: 65535 }, (_, i) => segment(2 * i * PAGE, PAGE));
  await using core = await openVmcore(await write(await plan(memory, bitmapOf())));
  t.equal(core.segments.length, 65535);
  t.equal(core.segments[65534]!.paddr, 2 * 65534 * PAGE);
  t.equal(core.notes.length, 2);
});

t.test('segments that repeat memory without end are refused', async (t) => {
  const memory = Array.from({ length: 10_000 }, () => segment(0, pages * PAGE));
  await t.rejects(plan(memory, bitmapOf([0, 5])), { code: 'ERR_VMCORE_CORRUPT' });
});

t.test('big-endian', async (t) => {
  const elf = await plan([segment(0, 5 * PAGE)], bitmapOf([0, 5]));
  const sink = new MemorySink();
  const dump = { pageSize: PAGE, littleEndian: false, machine: 22, notes: Buffer.alloc(0), plan: elf };
  const writer = new ElfWriter(dump, sink);
  await writer.begin();
  await writer.append(batchOf([0, 1, 2, 3, 4], () => false));
  await writer.finish();
  await using core = await openVmcore(sink.bytes);
  t.match(core, { arch: 's390x', littleEndian: false });
  t.strictSame(new Set(await read(sink.bytes, [0, 1, 2, 3, 4])), new Set(['same']));
});

t.test('batches that do not fit', async (t) => {
  const [writer] = writerOf(await plan([segment(0, 5 * PAGE)], bitmapOf([0, 5])));
  await writer.begin();
  const whole = batchOf([0, 1, 2, 3, 4], () => false);
  const refused = { code: 'ERR_VMCORE_ARGUMENT' };
  await t.rejects(writer.append({ ...whole, data: whole.data.subarray(1) }), refused, 'too few bytes');
  await t.rejects(
    writer.append({ ...whole, flags: whole.flags.map(() => ZERO_PAGE) }),
    refused,
    'no raw pages',
  );
  await t.rejects(writer.finish(), refused, 'pages are lacking');
  await writer.append(whole);
  await t.rejects(writer.append(batchOf([5], () => false)), refused, 'a page too many');
  await writer.finish();
});
