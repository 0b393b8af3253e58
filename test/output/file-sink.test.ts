import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { OutputHandle } from '../../lib/output/file-sink.ts';
import { FileSink } from '../../lib/output/file-sink.ts';
import { beyondEmulation } from '../support/emulation.ts';

const bytes = (text: string) => Buffer.from(text);
const compiled = JSON.stringify(new URL('../../lib/output/file-sink.js', import.meta.url));

/** A file that takes all that is written, and keeps nothing of it. */
function disk(datasync: () => Promise<void>): OutputHandle {
  return {
    read: () => Promise.reject(new Error('nothing is read')),
    truncate: async () => {},
    write: (async (_: Uint8Array, __: number, length: number) => ({ bytesWritten: length })) as never,
    datasync,
    close: async () => {},
  };
}

const goneDisk = () =>
  Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', errno: -5, syscall: 'fdatasync' });

t.test('a new file, private to its owner', async (t) => {
  const path = join(t.testdir(), 'dump');
  const sink = await FileSink.create(path);
  t.equal(sink.file, path);
  t.equal(lstatSync(path).mode & 0o777, 0o600);
  await sink.write(10, bytes('data'));
  await sink.write(0, bytes('mark'));
  await sink.reserve(20, 3);
  await sink.finish(0, bytes('done'));
  t.equal(readFileSync(path, 'latin1'), 'done\0\0\0\0\0\0data\0\0\0\0\0\0\0\0\0');
  t.equal(sink.bytesWritten, 15);
  t.equal(await sink.abort('remove'), undefined, 'an abort afterwards does nothing');
  t.ok(existsSync(path));
});

t.test('finish() orders its writes: data, sync, mark, sync', async (t) => {
  const dir = t.testdir();
  const calls: string[] = [];
  const handle = await open(join(dir, 'dump'), 'w');
  const recording: OutputHandle = {
    read: handle.read.bind(handle),
    truncate: handle.truncate.bind(handle),
    write: ((buffer: Uint8Array, offset: number, length: number, position: number) => {
      calls.push(`write ${position}`);
      return handle.write(buffer, offset, length, position);
    }) as OutputHandle['write'],
    datasync: () => {
      calls.push('datasync');
      return handle.datasync();
    },
    close: () => {
      calls.push('close');
      return handle.close();
    },
  };
  const path = join(dir, 'dump');
  const sink = new FileSink(recording, { path, writtenAs: path, device: false });
  await sink.write(4, bytes('data'));
  await sink.finish(0, bytes('done'));
  t.strictSame(calls, ['write 4', 'datasync', 'write 0', 'datasync', 'close']);
});

t.test('a disk that is gone is noticed long before the kernel stops the writer', async (t) => {
  const piece = new Uint8Array(4 << 20);
  let synced = 0;
  const gone = disk(async () => {
    synced++;
    throw goneDisk();
  });
  const path = join(t.testdir(), 'dump');
  const sink = new FileSink(gone, { path, writtenAs: path, device: false });
  const free = process.availableMemory();
  const writing = async () => {
    for (let at = 0; at < free; at += piece.length) await sink.write(at, piece);
  };
  const failure = { code: 'ERR_VMCORE_OUTPUT', file: path, offset: 0, message: /EIO/ };
  await t.rejects(writing(), failure, 'nothing of it is known to be on the disk');
  t.equal(synced, 1);
  // Twice 1/32 of the free memory, or 4 MiB, and what was written together with that.
  t.ok(sink.bytesWritten <= Math.max(free / 12, 3 * piece.length), `${sink.bytesWritten} bytes`);
});

t.test('a sync that fails tells the first byte that it may have lost', async (t) => {
  let isGone = false;
  const datasync = async () => {
    if (isGone) throw goneDisk();
  };
  const path = join(t.testdir(), 'dump');
  const begin = () => new FileSink(disk(datasync), { path, writtenAs: path, device: false });
  const lost = (offset: number) => ({ code: 'ERR_VMCORE_OUTPUT', offset, message: /synced.*EIO/ });

  const appended = begin();
  await appended.write(0, new Uint8Array(1000));
  await appended.sync();
  await appended.write(1000, new Uint8Array(1000));
  await appended.write(2000, new Uint8Array(1000));
  const rewritten = begin();
  await rewritten.write(0, new Uint8Array(5000));
  await rewritten.sync();
  await rewritten.write(5000, new Uint8Array(1000));
  for (let i = 0; i < 5; i++) await rewritten.write(300, new Uint8Array(1000));
  isGone = true;
  await t.rejects(appended.sync(), lost(1000));
  await t.rejects(rewritten.sync(), lost(300));
});

t.test('a file that exists', async (t) => {
  const dir = t.testdir({ dump: 'old' });
  const path = join(dir, 'dump');
  await t.rejects(FileSink.create(path), { code: 'ERR_VMCORE_EXISTS', file: path, message: /force/ });
  t.equal(readFileSync(path, 'latin1'), 'old');

  const sink = await FileSink.create(path, { force: true });
  await sink.write(0, bytes('mark'));
  const [beside] = readdirSync(dir).filter((name) => name !== 'dump');
  t.match(beside, /^dump\.incomplete-[0-9a-f]{8}$/);
  t.equal(lstatSync(join(dir, beside!)).mode & 0o777, 0o600);
  t.equal(readFileSync(path, 'latin1'), 'old', 'is untouched until the end');
  await sink.finish(0, bytes('done'));
  t.equal(readFileSync(path, 'latin1'), 'done');
  t.equal(lstatSync(path).mode & 0o777, 0o600);
  t.strictSame(readdirSync(dir), ['dump']);
});

t.test('abort', async (t) => {
  const dir = t.testdir({ old: 'old' });
  const path = join(dir, 'dump');
  const removed = await FileSink.create(path);
  await removed.write(0, bytes('mark'));
  t.equal(await removed.abort('remove'), undefined);
  t.strictSame(readdirSync(dir), ['old']);
  t.equal(await removed.abort('keep'), undefined, 'again');

  const kept = await FileSink.create(path);
  await kept.write(0, bytes('mark'));
  t.equal(await kept.abort('keep'), path);
  t.equal(readFileSync(path, 'latin1'), 'mark');
});

t.test('abort of one that would replace another leaves the old one', async (t) => {
  const dir = t.testdir({ old: 'old' });
  const path = join(dir, 'old');
  const removed = await FileSink.create(path, { force: true });
  t.equal(await removed.abort('remove'), undefined);
  t.strictSame(readdirSync(dir), ['old']);

  const kept = await FileSink.create(path, { force: true });
  await kept.write(0, bytes('mark'));
  const left = await kept.abort('keep');
  t.match(left, /old\.incomplete-/);
  t.equal(readFileSync(left!, 'latin1'), 'mark');
  t.equal(readFileSync(path, 'latin1'), 'old');
});

t.test('one that can not take its name can be marked again', async (t) => {
  const path = join(t.testdir({ dump: 'old' }), 'dump');
  const sink = await FileSink.create(path, { force: true });
  await sink.write(0, bytes('mark'));
  rmSync(path);
  mkdirSync(path);
  await t.rejects(sink.finish(0, bytes('done')), {
    code: 'ERR_VMCORE_OUTPUT',
    offset: undefined,
    cause: { code: 'EISDIR' },
    message: /incomplete-\w+: could not be renamed to .*dump: EISDIR/,
  });
  await sink.write(0, bytes('mark'));
  const left = await sink.abort('keep');
  t.equal(readFileSync(left!, 'latin1'), 'mark');
});

t.test('a directory that may be written to, but not read', beyondEmulation('otherUser'), async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'vmcore-sink-'));
  t.teardown(() => {
    chmodSync(dir, 0o700);
    rmSync(dir, { recursive: true });
  });
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(dir, 65534, 65534);
  chmodSync(dir, 0o300);
  const program = `
    const { FileSink } = await import(${compiled});
    if (${isRoot}) process.setuid(65534);
    const sink = await FileSink.create(${JSON.stringify(join(dir, 'dump'))});
    await sink.finish(0, Buffer.from('done'));`;
  const args = ['--input-type=module', '-e', program];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.strictSame({ status, stderr }, { status: 0, stderr: '' });
});

t.test('a directory that can not be synced: the file is complete all the same', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'dump');
  const placement = { path: join(dir, 'gone', 'dump'), writtenAs: join(dir, 'gone', 'dump'), device: false };
  const sink = new FileSink(await open(path, 'w'), placement);
  await t.rejects(sink.finish(0, bytes('done')), {
    code: 'ERR_VMCORE_OUTPUT',
    message: /is complete, but its directory could not be synced: ENOENT/,
  });
  t.equal(await sink.abort('keep'), undefined, 'nothing incomplete is left');
  t.equal(readFileSync(path, 'latin1'), 'done');
});

t.test('a file that appears after the first look', async (t) => {
  const dir = t.testdir();
  const results = await Promise.allSettled([1, 2].map(() => FileSink.create(join(dir, 'dump'))));
  t.strictSame(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'only one creates it');
  for (const result of results) if (result.status === 'fulfilled') await result.value.abort('remove');
});

t.test('what is no file', async (t) => {
  const dir = t.testdir({ target: 'target' });
  mkdirSync(join(dir, 'directory'));
  symlinkSync('target', join(dir, 'link'));
  symlinkSync('nowhere', join(dir, 'dangling'));
  spawnSync('mkfifo', [join(dir, 'pipe')]);
  const refused: [string, string, RegExp][] = [
    ['link', 'ERR_VMCORE_EXISTS', /symbolic link/],
    ['dangling', 'ERR_VMCORE_EXISTS', /symbolic link/],
    ['directory', 'ERR_VMCORE_OUTPUT', /is a directory/],
    ['pipe', 'ERR_VMCORE_OUTPUT', /pipe/],
    ['missing/dump', 'ERR_VMCORE_OUTPUT', /there is no directory .*missing/],
    ['target/dump', 'ERR_VMCORE_OUTPUT', /there is no directory .*target/],
  ];
  for (const [name, code, message] of refused) {
    for (const force of [false, true]) {
      await t.rejects(
        FileSink.create(join(dir, name), { force }),
        { code, message },
        `${name}, force ${force}`,
      );
    }
  }
  t.equal(readFileSync(join(dir, 'target'), 'latin1'), 'target');
  t.notOk(existsSync(join(dir, 'nowhere')));
});

t.test('character devices are written to, with force', async (t) => {
  await t.rejects(FileSink.create('/dev/null'), { code: 'ERR_VMCORE_EXISTS', message: /device/ });
  const sink = await FileSink.create('/dev/null', { force: true });
  await sink.write(1_000_000, bytes('data'));
  await sink.finish(0, bytes('done'));
  t.ok(lstatSync('/dev/null').isCharacterDevice());
  const aborted = await FileSink.create('/dev/null', { force: true });
  t.equal(await aborted.abort('remove'), undefined);
  t.ok(lstatSync('/dev/null').isCharacterDevice());
});

t.test('a full device', async (t) => {
  const sink = await FileSink.create('/dev/full', { force: true });
  const failure = {
    code: 'ERR_VMCORE_NO_SPACE',
    file: '/dev/full',
    offset: 4096,
    cause: { code: 'ENOSPC' },
    message: /no space left/,
  };
  await t.rejects(sink.write(4096, bytes('data')), failure);
  await sink.abort('remove');
  t.ok(existsSync('/dev/full'));
});

t.test('a limit on the size of files', async (t) => {
  const path = join(t.testdir(), 'dump');
  const program = `
    const { FileSink } = await import(${compiled});
    const sink = await FileSink.create(${JSON.stringify(path)});
    const { code, offset, cause } = await sink.write(1000, Buffer.alloc(3_000_000)).catch((error) => error);
    console.log(code, offset, cause.code, await sink.abort('keep'));`;
  // Node ignores SIGXFSZ.
  const args = ['-c', 'ulimit -f 2000; exec "$0" --input-type=module -e "$1"', process.execPath, program];
  const { stdout, stderr, signal } = spawnSync('bash', args, { encoding: 'utf8' });
  t.strictSame({ stderr, signal }, { stderr: '', signal: null });
  t.equal(stdout, `ERR_VMCORE_NO_SPACE 2048000 EFBIG ${path}\n`, 'and what fits is written');
  t.equal(lstatSync(path).size, 2048000);
});

t.test('short writes are continued', async (t) => {
  const path = join(t.testdir(), 'dump');
  const handle = await open(path, 'w');
  let quota = Number.POSITIVE_INFINITY;
  const short: OutputHandle = {
    read: handle.read.bind(handle),
    truncate: handle.truncate.bind(handle),
    write: (async (buffer: Uint8Array, offset: number, length: number, position: number) => {
      const taken = Math.min(length, 7, quota);
      quota -= taken;
      return handle.write(buffer, offset, taken, position);
    }) as OutputHandle['write'],
    datasync: () => handle.datasync(),
    close: () => handle.close(),
  };
  const sink = new FileSink(short, { path, writtenAs: path, device: false });
  const text = 'a text that is longer than seven bytes';
  await sink.write(3, bytes(text));
  t.equal(readFileSync(path, 'latin1'), `\0\0\0${text}`);
  quota = 10;
  await t.rejects(
    sink.write(100, bytes(text)),
    { code: 'ERR_VMCORE_OUTPUT', offset: 110 },
    'no endless loop',
  );
  await sink.abort('remove');
  t.notOk(existsSync(path));
});

t.test('bytes that threads share can be written', async (t) => {
  const path = join(t.testdir(), 'dump');
  const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(0x61);
  const sink = await FileSink.create(path);
  await sink.write(0, shared);
  await sink.finish(4, bytes('b'));
  t.equal(readFileSync(path, 'latin1'), 'aaaab');
});
