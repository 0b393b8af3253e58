// Dumps that ended early: they say so, and what was written can be read.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { VmcoreError } from '../../lib/errors.ts';
import { FileSink } from '../../lib/output/file-sink.ts';
import { KdumpWriter } from '../../lib/output/kdump.ts';
import type { PageBatch } from '../../lib/output/page-batch.ts';
import { MISSING_PAGE } from '../../lib/output/page-batch.ts';
import { readKdump } from '../support/kdump-file.ts';
import { oracle } from '../support/oracles.ts';
import { description, hash, PAGE, page, pfns, readThroughLibkdumpfile } from './memory.ts';

/** Where the data of a dump of memory.ts at level 0 begins. */
const dataOffset = 4 * PAGE + 24 * pfns().length;

/** What libkdumpfile says of a page whose descriptor is zero. */
const absentPage = 'CorruptException';

function rawBatch(wanted: number[]): PageBatch {
  return {
    count: wanted.length,
    sizes: new Uint32Array(wanted.length).fill(PAGE),
    flags: new Uint32Array(wanted.length),
    data: Buffer.concat(wanted.map(page)),
  };
}

async function appendAll(writer: KdumpWriter): Promise<void> {
  for (let i = 0; i < pfns().length; i += 10) await writer.append(rawBatch(pfns().slice(i, i + 10)));
}

/** Exactly the first `count` pages can be read; each of the others is reported. */
async function checkReadable(t: Pick<Tap, 'equal' | 'ok' | 'strictSame'>, path: string, count: number) {
  t.ok(readKdump(path).isIncomplete, 'marked incomplete');
  const read = await readThroughLibkdumpfile(path, pfns());
  const expected = pfns().map((pfn, i) => [pfn, i < count ? hash(page(pfn)) : absentPage]);
  t.strictSame(read, { format: 'diskdump', ...Object.fromEntries(expected) });
}

type Tap = typeof t;

t.test('an aborted dump', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const path = join(t.testdir(), 'dump');
  const writer = new KdumpWriter(description(), await FileSink.create(path));
  await writer.beginWith(description());
  await writer.append(rawBatch(pfns().slice(0, 30)));
  t.equal(await writer.abort('keep'), path);
  await checkReadable(t, path, 30);
});

t.test('a dump that is aborted and removed', async (t) => {
  const path = join(t.testdir(), 'dump');
  const writer = new KdumpWriter(description(), await FileSink.create(path));
  await writer.beginWith(description());
  t.equal(await writer.abort('remove'), undefined);
  t.throws(() => statSync(path), { code: 'ENOENT' });
});

t.test('a full disk', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const dir = join(t.testdir(), 'small');
  mkdirSync(dir);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', dir]).status !== 0) {
    return t.plan(0, 'may not mount');
  }
  try {
    const path = join(dir, 'dump');
    const writer = new KdumpWriter(description(), await FileSink.create(path));
    await writer.beginWith(description());
    await t.rejects(appendAll(writer), { code: 'ERR_VMCORE_NO_SPACE', file: path });
    t.equal(await writer.abort('keep'), path);
    const pages = Math.floor((statSync(path).size - dataOffset) / PAGE);
    t.ok(pages > 30, `${pages} pages were written`);
    await checkReadable(t, path, pages);
  } finally {
    spawnSync('umount', [dir]);
  }
});

t.test('an end in the middle of a batch and of a page', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const path = join(t.testdir(), 'dump');
  const sink = await FileSink.create(path);
  const limit = dataOffset + 25 * PAGE + 100;
  const write = sink.write.bind(sink);
  sink.write = async (position, bytes) => {
    const room = Math.max(0, limit - position);
    await write(position, bytes.subarray(0, room));
    if (room < bytes.length) throw new VmcoreError('ERR_VMCORE_NO_SPACE', 'full', { offset: limit });
  };
  const writer = new KdumpWriter(description(), sink);
  await writer.beginWith(description());
  await t.rejects(appendAll(writer), { code: 'ERR_VMCORE_NO_SPACE' });
  t.equal(await writer.abort('keep'), path);
  await checkReadable(t, path, 25);
});

t.test('a finish that fails after the mark was cleared', async (t) => {
  const path = join(t.testdir(), 'dump');
  const sink = await FileSink.create(path);
  const writer = new KdumpWriter(description(), sink);
  await writer.beginWith(description());
  await appendAll(writer);
  sink.finish = async (position, bytes) => {
    await sink.write(position, bytes);
    throw new VmcoreError('ERR_VMCORE_OUTPUT', 'fdatasync failed');
  };
  await t.rejects(writer.finish(), { code: 'ERR_VMCORE_OUTPUT' });
  t.notOk(readKdump(path).isIncomplete);
  t.equal(await writer.abort('keep'), path);
  t.ok(readKdump(path).isIncomplete);
});

t.test('a dump that can not replace another one', async (t) => {
  const path = join(t.testdir(), 'dump');
  writeFileSync(path, 'old');
  const writer = new KdumpWriter(description(), await FileSink.create(path, { force: true }));
  await writer.beginWith(description());
  await appendAll(writer);
  rmSync(path);
  mkdirSync(path);
  await t.rejects(writer.finish(), { code: 'ERR_VMCORE_OUTPUT', message: /renamed/ });
  const left = await writer.abort('keep');
  t.ok(readKdump(left!).isIncomplete);
});

t.test('pages that could not be read keep the mark on an otherwise complete dump', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const path = join(t.testdir(), 'dump');
  const writer = new KdumpWriter(description(), await FileSink.create(path));
  await writer.beginWith(description());
  const last = pfns().length - 4;
  await writer.append(rawBatch(pfns().slice(0, last)));
  const missing = { count: 4, sizes: new Uint32Array(4), flags: new Uint32Array(4).fill(MISSING_PAGE) };
  await writer.append({ ...missing, data: new Uint8Array(0) });
  await writer.finish();
  t.equal(writer.missingPages, 4);
  await checkReadable(t, path, last);
});
