// The flattened form: what makedumpfile makes of ours, and what becomes of streams that do not take it.
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import t from 'tap';
import {
  encodeEndMarker,
  encodeFlattenedHeader,
  encodeRecordHead,
} from '../../lib/formats/flattened-layout.ts';
import {
  isVmcoreError,
  openVmcore,
  type Progress,
  unflatten,
  type Vmcore,
  verifyDump,
} from '../../lib/index.ts';
import { bundledCore } from '../support/cores.ts';
import { oracle, programs, run } from '../support/oracles.ts';

t.setTimeout(600_000);

const core = await openVmcore((await bundledCore()).path);
t.teardown(() => core.close());
const folder = t.testdir();
const at = (name: string) => join(folder, name);
const small = { level: 31, compression: 'zlib' } as const;

/** A stream that keeps what it gets, and takes its time with every chunk. */
class SlowStream extends Writable {
  readonly chunks: Buffer[] = [];
  /** Bytes that were handed over and not taken yet, at most. */
  waiting = 0;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.waiting = Math.max(this.waiting, this.writableLength);
    this.chunks.push(chunk);
    setImmediate(done);
  }
}

/** A stream that never asks for more. */
function stuckStream(): Writable {
  return new Writable({ write() {} });
}

for (const format of ['kdump', 'elf'] as const) {
  t.test(`${format}: makedumpfile -R and unflatten() make the plain dump of it`, async (t) => {
    const options = format === 'elf' ? { level: 31, format } : { ...small, format };
    const [plain, flat, ours] = [at(`${format}.plain`), at(`${format}.flat`), at(`${format}.ours`)];
    await core.dump(plain, options);
    const report = await core.dump(createWriteStream(flat), options);
    t.match(report, { file: flat, flattened: true, format, complete: true, bytes: statSync(flat).size });
    const read = await unflatten(flat, ours);
    t.match(read, { complete: true, file: ours, bytes: statSync(plain).size, inputBytes: report.bytes });
    t.ok(readFileSync(ours).equals(readFileSync(plain)), 'unflatten()');
    await core.dump(`${flat}2`, { ...options, flattened: true });
    t.ok(readFileSync(`${flat}2`).equals(readFileSync(flat)), 'the same stream to a file');
    if (!oracle(t, 'makedumpfile')) return;
    await run(programs.makedumpfile, ['-R', `${plain}.theirs`], { input: readFileSync(flat) });
    t.ok(readFileSync(`${plain}.theirs`).equals(readFileSync(plain)), 'makedumpfile -R');
  });
}

t.test("unflatten() of makedumpfile's stream gives makedumpfile's dump", async (t) => {
  if (!oracle(t, 'makedumpfile')) return;
  const { path } = await bundledCore();
  for (const options of [['-c'], ['-E'], []]) {
    const name = at(`theirs${options.join('')}`);
    const { stdout } = await run(programs.makedumpfile, [...options, '-F', '-d', '31', path]);
    await run(programs.makedumpfile, [...options, '-d', '31', path, name]);
    const stream = new PassThrough();
    stream.end(stdout);
    await unflatten(stream, `${name}.ours`);
    t.ok(readFileSync(`${name}.ours`).equals(readFileSync(name)), options.join(' ') || 'raw');
  }
});

t.test('unflatten() of records in any order, overlapping, and through the header', async (t) => {
  const record = fc.record({
    offset: fc.integer({ min: 0, max: 1500 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 700 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1 }), async (records) => {
      const expected = Buffer.alloc(Math.max(...records.map(({ offset, bytes }) => offset + bytes.length)));
      for (const { offset, bytes } of records) expected.set(bytes, offset);
      const parts = records.flatMap(({ offset, bytes }) => [encodeRecordHead(offset, bytes.length), bytes]);
      const stream = Readable.from([encodeFlattenedHeader(), ...parts, encodeEndMarker()]);
      const { bytes } = await unflatten(stream, at('any'), { force: true });
      return bytes === expected.length && readFileSync(at('any')).equals(expected);
    }),
    { numRuns: 50 },
  );
  t.pass();
});

t.test('a slow stream is not filled beyond what it asked for', async (t) => {
  const stream = new SlowStream();
  const report = await core.dump(stream, small);
  t.equal(
    stream.chunks.reduce((sum, { length }) => sum + length, 0),
    report.bytes,
  );
  t.ok(stream.waiting < 1024 * 1024, `at most ${stream.waiting} bytes waited`);
  t.ok(stream.writableFinished, 'it was ended');
});

t.test('a stream that is piped on gets bytes of its own', async (t) => {
  const pipe = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
  const [report, bytes] = await Promise.all([core.dump(pipe, small), buffer(pipe)]);
  t.equal(bytes.length, report.bytes);
  t.ok(bytes.equals(readFileSync(at('kdump.flat'))));
});

t.test('a stream that fails, closes early or was ended before', async (t) => {
  const failing = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('broken pipe'), { code: 'EPIPE' })),
  });
  await t.rejects(core.dump(failing, small), { code: 'ERR_VMCORE_OUTPUT', message: /broken pipe/ });

  const closing = stuckStream();
  setTimeout(() => closing.destroy(), 50);
  await t.rejects(core.dump(closing, small), { code: 'ERR_VMCORE_OUTPUT', message: /closed before/ });

  const full = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
  });
  await t.rejects(core.dump(full, small), { code: 'ERR_VMCORE_NO_SPACE' });

  const ended = new PassThrough();
  ended.end();
  await t.rejects(core.dump(ended, small), { code: 'ERR_VMCORE_ARGUMENT' });
});

t.test('a stream that never drains ends with the signal, and is destroyed', async (t) => {
  const stream = stuckStream();
  const reason = new Error('enough');
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 50);
  await t.rejects(core.dump(stream, { ...small, signal: controller.signal }), reason);
  t.ok(stream.destroyed);
});

t.test('what goes wrong while a stream never drains is told at once', async (t) => {
  // It takes the headers and bitmaps, and gets stuck in the pages.
  const stream = new Writable({ highWaterMark: 1 << 20, write() {} });
  const failure = new Error('the user has seen enough');
  const onProgress = ({ phase }: Progress) => {
    if (phase === 'write') throw failure;
  };
  await t.rejects(core.dump(stream, { ...small, workers: 0, onProgress }), failure);
  t.ok(stream.destroyed);
});

t.test('a stream of a dump that fails has no end marker', async (t) => {
  const flat = at('cut');
  const dump = core.dump(createWriteStream(flat), { ...small, maxBytes: 4_000_000 });
  await t.rejects(dump, { code: 'ERR_VMCORE_NO_SPACE' });
  t.equal(statSync(flat).size, 4_000_000, 'it is as large as it may be');
  const incomplete: string[] = [];
  const told = { onIncomplete: (file: string) => incomplete.push(file) };
  await t.rejects(unflatten(flat, at('cut.refused'), told), { code: 'ERR_VMCORE_TRUNCATED' });
  t.strictSame(incomplete, [at('cut.refused')], 'what was there is kept, and marked');
  const report = await unflatten(flat, at('cut.dump'), { acceptTruncated: true });
  t.equal(report.complete, false);
  for (const file of ['cut.refused', 'cut.dump']) {
    t.equal(readFileSync(at(file)).readUInt32LE(424) & 8, 8, `${file} is marked incomplete`);
  }
});

t.test('a flattened file that is full has the pages that reached it', async (t) => {
  const { bytes } = await core.dump(at('roomy'), { ...small, flattened: true });
  for (const options of [small, { level: 31, format: 'elf' }] as const) {
    const flat = at(`full.${'format' in options ? options.format : 'kdump'}`);
    const maxBytes = 'format' in options ? 3 * bytes : Math.floor((3 * bytes) / 4);
    const dump = core.dump(flat, { ...options, flattened: true, maxBytes });
    await t.rejects(dump, { code: 'ERR_VMCORE_NO_SPACE' });
    await using kept = await openVmcore(flat, { allowTruncated: true });
    const { bitmap } = await core.classify({ level: 31 });
    let same = 0;
    for (const [first, count] of bitmap.runs()) {
      for (let pfn = first; pfn < first + count; pfn++) {
        const page = readOrNothing(kept, pfn);
        if (!page) continue;
        if (!page.equals(core.readPhysical(pfn * 4096, 4096))) t.fail(`page ${pfn} is another one`);
        same++;
      }
    }
    t.ok(same > bitmap.count() / 3, `${same} of ${bitmap.count()} pages are there`);
  }
});

/** Undefined for a page that is not there. */
function readOrNothing(dump: Vmcore, pfn: number): Buffer | undefined {
  try {
    return Buffer.from(dump.readPhysical(pfn * 4096, 4096));
  } catch (error) {
    if (isVmcoreError(error, 'ERR_VMCORE_NOT_PRESENT')) return undefined;
    throw error;
  }
}

t.test('targets that are none', async (t) => {
  const file = await open(at('handle'), 'w');
  t.teardown(() => file.close());
  for (const target of [file, new WritableStream(), 5, null, {}, ['', 'a'], '']) {
    await t.rejects(core.dump(target as never, small), { code: 'ERR_VMCORE_ARGUMENT' });
  }
});

t.test('a stream that fails while it is looked for what is to be scrubbed', async (t) => {
  for (const cause of [new Error('network is down'), undefined]) {
    const stream = stuckStream();
    const failed = core.dump(stream, { ...small, scrub: [{ symbol: 'linux_banner', size: 16 }] });
    setImmediate(() => stream.destroy(cause));
    await t.rejects(failed, { code: 'ERR_VMCORE_OUTPUT', ...(cause && { cause }) });
    t.equal(stream.listenerCount('error'), 1, 'that of an output that has failed');
  }
});

t.test('several levels are not for a stream', async (t) => {
  const stream = stuckStream();
  await t.rejects(core.dump(stream, { levels: [1, 31] }), { code: 'ERR_VMCORE_ARGUMENT' });
  t.notOk(stream.destroyed, 'nothing happened to it');
});

t.test('unflatten() is aborted while it waits', async (t) => {
  const controller = new AbortController();
  const input = new PassThrough();
  input.write(readFileSync(at('kdump.flat')).subarray(0, 100_000));
  setTimeout(() => controller.abort(new Error('enough')), 50);
  const output = at('aborted');
  await t.rejects(unflatten(input, output, { signal: controller.signal, onFailure: 'remove' }), /enough/);
  t.notOk(existsSync(output));
});

t.test('unflatten() that can not replace another file leaves a dump that is marked', async (t) => {
  const path = at('replaced');
  writeFileSync(path, 'old');
  const stream = new PassThrough();
  const [flat] = await Promise.all([buffer(stream), core.dump(stream, small)]);
  async function* inTheMeantime() {
    yield flat.subarray(0, -1);
    rmSync(path);
    mkdirSync(path);
    yield flat.subarray(-1);
  }
  const left: string[] = [];
  const unflattened = unflatten(Readable.from(inTheMeantime()), path, {
    force: true,
    onIncomplete: (file) => left.push(file),
  });
  await t.rejects(unflattened, { code: 'ERR_VMCORE_OUTPUT', message: /renamed/ });
  t.equal(left.length, 1);
  t.equal((await verifyDump(left)).state, 'incomplete');
});

t.test('inputs that can not be read', async (t) => {
  const output = at('nothing');
  await t.rejects(unflatten(at('absent'), output), { code: 'ERR_VMCORE_OPEN', file: at('absent') });
  await t.rejects(unflatten(folder, output), { code: 'ERR_VMCORE_IO' });
  await t.rejects(unflatten(at('kdump.plain'), output), { code: 'ERR_VMCORE_FORMAT' });
  const failing = new PassThrough();
  const failed = unflatten(failing, output);
  failing.destroy(new Error('network is down')); // while the output is being opened
  await t.rejects(failed, { code: 'ERR_VMCORE_IO', message: /network is down/ });
  await t.rejects(unflatten(at('kdump.flat'), at('kdump.plain')), { code: 'ERR_VMCORE_EXISTS' });
});
