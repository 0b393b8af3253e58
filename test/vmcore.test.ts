// openVmcore() as users meet it: what it opens, what it refuses and how it says so, and what close() leaves.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { isVmcoreError, openVmcore, type VmcoreErrorCode } from '../lib/index.ts';
import { mappingsOf } from './native/support.ts';
import { bundledCore } from './support/cores.ts';
import { buildElfCore } from './support/elf-builder.ts';
import { nodeProgram } from './support/emulation.ts';

const PAGE = 4096;
const folder = t.testdir();
const small = buildElfCore({
  segments: [
    { paddr: 0x1000, vaddr: 0xffff888000001000n, data: Buffer.alloc(PAGE, 1) },
    { paddr: 0x3000, vaddr: 0xffff888000003000n, data: Buffer.alloc(2 * PAGE, 2) },
  ],
});

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A copy of `core` with `value` written at `offset`. */
function patched(offset: number, value: bigint, size: 2 | 8 = 8, core = small): Buffer {
  const copy = Buffer.from(core);
  if (size === 2) copy.writeUInt16LE(Number(value), offset);
  else copy.writeBigUInt64LE(value, offset);
  return copy;
}

t.test('what is no core is refused with a code and in words', async (t) => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const refused: [string, VmcoreErrorCode, RegExp][] = [
    [file('empty', ''), 'ERR_VMCORE_FORMAT', /is empty/],
    [file('text', 'a line of text\nand more of it\n'), 'ERR_VMCORE_FORMAT', /begins with "a line of text/],
    [file('short', small.subarray(0, 20)), 'ERR_VMCORE_TRUNCATED', /cut off/],
    [
      file('noise', Buffer.concat([small.subarray(0, 4), Buffer.alloc(5000, 0xee)])),
      'ERR_VMCORE_FORMAT',
      /no ELF header/,
    ],
    [file('zeros', Buffer.alloc(8192)), 'ERR_VMCORE_FORMAT', /begins with zeros/],
    [nodeProgram, 'ERR_VMCORE_FORMAT', /executable, not a core/],
    [folder, 'ERR_VMCORE_OPEN', /is a directory/],
    [join(folder, 'absent'), 'ERR_VMCORE_OPEN', /no such file/],
    [fifo, 'ERR_VMCORE_OPEN', /pipe or socket/],
    ['/dev/null', 'ERR_VMCORE_OPEN', /is a device/],
    [file('class', patchedByte(4, 3)), 'ERR_VMCORE_FORMAT', /no ELF header/],
  ];
  for (const [path, code, message] of refused) {
    await t.rejects(openVmcore(path), { name: 'VmcoreError', code, message, file: path }, path);
  }
});

function patchedByte(offset: number, value: number): Buffer {
  const copy = Buffer.from(small);
  copy[offset] = value;
  return copy;
}

t.test('a file that may not be read', async (t) => {
  const path = file('secret', small);
  execFileSync('chmod', ['600', path]);
  if (process.getuid?.() !== 0) {
    t.comment('only root can become somebody else');
    return;
  }
  const program = `import('${import.meta.resolve('../lib/index.js')}').then((m) => m.openVmcore(process.argv[1]))
    .catch((error) => console.log(error.code, error.cause.code, error.message))`;
  const { stdout } = spawnSync(process.execPath, ['-e', program, path], {
    uid: 65534,
    gid: 65534,
    encoding: 'utf8',
  });
  // Where somebody else can't even load the library, there is nothing to see.
  if (stdout) t.match(stdout, /^ERR_VMCORE_OPEN EACCES .*permission denied/);
});

t.test('reads of more than an array can have', async (t) => {
  await using core = await openVmcore(patched(64 + 40, 2n ** 51n));
  for (const read of [
    () => core.readPhysical(0x1000, 2 ** 50),
    () => core.readVirtual(0xffffffff81000000n, 2 ** 50),
  ]) {
    t.throws(read, { code: 'ERR_VMCORE_ARGUMENT', message: /1125899906842624 bytes.*parts/ });
  }
});

t.test('a core that is cut off anywhere is refused', async (t) => {
  for (const length of [5, 63, 64, 100, 64 + 112 - 1, 4095, 4096, small.length - 1]) {
    await t.rejects(
      openVmcore(small.subarray(0, length)),
      { code: 'ERR_VMCORE_TRUNCATED' },
      `${length} bytes`,
    );
  }
});

t.test('headers that lie are refused before anything is allocated by them', async (t) => {
  const huge = 2n ** 63n;
  const lies: [string, Buffer][] = [
    ['no program headers', patched(56, 0n, 2)],
    ['program headers of another size', patched(54, 57n, 2)],
    ['65534 program headers', patched(56, 0xfffen, 2)],
    ['program headers beyond the end', patched(32, 2n ** 40n)],
    ['program headers at an offset that wraps', patched(32, 2n ** 64n - 8n)],
    ['an offset that wraps', patched(64 + 8, 2n ** 64n - 4096n)],
    ['data beyond the end', patched(64 + 32, 2n ** 40n)],
    ['a size of 2^63', patched(64 + 32, huge)],
    ['memory of 2^63 bytes', patched(64 + 40, huge)],
    ['memory at 2^52', patched(64 + 24, 2n ** 52n)],
    ['PN_XNUM without a section header', patched(56, 0xffffn, 2)],
  ];
  const before = process.memoryUsage().arrayBuffers;
  for (const [name, core] of lies) {
    await t.rejects(openVmcore(core), { name: 'VmcoreError', code: /TRUNCATED|CORRUPT/ }, name);
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 16 << 20);
});

t.test('any bytes in the headers give a core or a VmcoreError', async (t) => {
  const changes = fc.array(fc.tuple(fc.nat(64 + 2 * 56), fc.nat(255)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(changes, async (bytes) => {
      const core = Buffer.from(small);
      for (const [offset, value] of bytes) core[offset] = value;
      try {
        await (await openVmcore(core)).close();
      } catch (error) {
        if (!isVmcoreError(error)) throw error;
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

t.test('a path, a URL, a descriptor and a buffer are the same core', async (t) => {
  const path = file('core', small);
  const fd = openSync(path, 'r');
  for (const source of [path, pathToFileURL(path), fd, small]) {
    const core = await openVmcore(source);
    t.equal(core.readPhysical(0x4fff, 1)[0], 2);
    t.equal(core.size, small.length);
    await core.close();
  }
  t.equal(fstatSync(fd).size, small.length, 'the descriptor is still open');
  closeSync(fd);
  await t.rejects(openVmcore(fd), { code: 'ERR_VMCORE_OPEN', cause: { code: 'EBADF' } });
});

t.test('a core without VMCOREINFO can be read, not filtered, and says why', async (t) => {
  const core = await openVmcore(small);
  t.equal(core.hasVmcoreinfo, false);
  t.throws(() => core.vmcoreinfo, { code: 'ERR_VMCORE_NO_VMCOREINFO', message: /no VMCOREINFO note/ });
  t.match(core.filterProblem, { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  t.throws(() => core.dmesg(), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  t.equal(core.readVirtual(0xffff888000003000n, 1)[0], 2, 'through the addresses of its segments');
  t.throws(() => core.readVirtual(0xffff888000009000n, 1), { code: 'ERR_VMCORE_UNMAPPED' });
  await t.rejects(core.classify({ level: 31 }), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  const output = join(folder, 'unfiltered');
  await t.rejects(core.dump(output, { level: 2 }), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  t.notOk(readdirSync(folder).includes('unfiltered'), 'nothing is left of a dump that can not be');
  const report = await core.dump(output, { level: 1, compression: 'none' });
  t.match(report, { written: 3, zero: 0, complete: true, warnings: [/could not be left out/] });
  await core.close();
});

t.test('VMCOREINFO that can not be used is as good as none', async (t) => {
  const note = { name: 'VMCOREINFO', type: 0, desc: new TextEncoder().encode('PAGESIZE=4096\n') };
  const core = await openVmcore(
    buildElfCore({ segments: [{ paddr: 0, data: Buffer.alloc(PAGE) }], notes: [[note]] }),
  );
  t.throws(() => core.vmcoreinfo, { code: 'ERR_VMCORE_NO_VMCOREINFO', message: /OSRELEASE is missing/ });
});

t.test('arguments of the wrong type are errors, not other addresses', async (t) => {
  const core = await openVmcore(small);
  const wrong: [string, () => unknown][] = [
    // @ts-expect-error: users of JavaScript can do this
    ['a bigint as a physical address', () => core.readPhysical(0x1000n, 1)],
    // @ts-expect-error
    ['a number as a virtual address', () => core.readVirtual(0x1000, 1)],
    // @ts-expect-error
    ['a string as a length', () => core.readPhysical(0x1000, '1')],
    ['NaN', () => core.readPhysical(Number.NaN, 1)],
    ['a negative address', () => core.readPhysical(-1, 1)],
    ['half an address', () => core.readPhysical(0.5, 1)],
    ['a negative length', () => core.readPhysical(0x1000, -1)],
    ['more than the core has', () => core.readPhysical(0x1000, 2 ** 40)],
    ['65 bits', () => core.readVirtual(1n << 64n, 1)],
    ['a negative virtual address', () => core.translate(-1n)],
    ['a pfn that is none', () => core.explain(1.5)],
    ['a level that is none', () => core.explain(1, { level: 32 })],
    ['a window of 1 GiB', () => core.withWindow(0x1000, 1 << 30, () => 0)],
  ];
  for (const [name, call] of wrong) t.throws(call, { code: 'ERR_VMCORE_ARGUMENT' }, name);
  // @ts-expect-error
  await t.rejects(openVmcore({}), { code: 'ERR_VMCORE_ARGUMENT' });
  // @ts-expect-error
  await t.rejects(openVmcore(small, { access: 'fast' }), { code: 'ERR_VMCORE_ARGUMENT' });
  await t.rejects(openVmcore(small, { regionBytes: 100_000 }), { code: 'ERR_VMCORE_ARGUMENT' });
  await t.rejects(core.classify({ level: -1 }), { code: 'ERR_VMCORE_ARGUMENT' });
});

t.test('a window lends the bytes that a read copies', async (t) => {
  const { path } = await bundledCore();
  for (const access of ['auto', 'read'] as const) {
    const core = await openVmcore(path, { access });
    const { paddr } = core.segments[0]!;
    const copy = core.readPhysical(paddr! + 123, 100_000);
    t.ok(core.withWindow(paddr! + 123, 100_000, (bytes) => Buffer.compare(bytes, copy) === 0));
    t.throws(() => core.withWindow(paddr!, 10, async () => 1), { code: 'ERR_VMCORE_ARGUMENT' });
    t.throws(
      () =>
        core.withWindow(paddr!, 10, () => {
          throw new Error('from the user');
        }),
      { message: 'from the user' },
    );
    await core.close();
    t.equal(mappingsOf(path), 0);
  }
});

t.test('an aborted signal ends what runs with its reason', async (t) => {
  const { path } = await bundledCore();
  const reason = new Error('enough');
  await t.rejects(openVmcore(path, { signal: AbortSignal.abort(reason) }), reason);
  const core = await openVmcore(path);
  await t.rejects(core.classify({ signal: AbortSignal.abort(reason) }), reason);
  const abort = new AbortController();
  const output = join(folder, 'aborted');
  const left: string[] = [];
  const dump = core.dump(output, {
    level: 0,
    compression: 'zlib',
    signal: abort.signal,
    onProgress: ({ phase, pages }) => phase === 'write' && pages > 0 && abort.abort(reason),
    onIncomplete: (path) => left.push(path),
  });
  await t.rejects(dump, reason);
  t.same(left, [output]);
  t.equal(readFileSync(output).readUInt32LE(424) & 8, 8, 'marked incomplete (DUMP_DH_COMPRESSED_INCOMPLETE)');
  await core.close();
  t.equal(mappingsOf(path), 0, 'nothing stays mapped');
});

t.test('an abort between the passes of an ELF core ends it before the next one', async (t) => {
  await using core = await openVmcore((await bundledCore()).path);
  const reason = new Error('enough');
  const abort = new AbortController();
  let before = core.counters;
  let ends = 0;
  const dump = core.dump(join(folder, 'aborted.elf'), {
    format: 'elf',
    workers: 0,
    signal: abort.signal,
    onProgress: ({ phase, pages, totalPages }) => {
      // The end is reported by the last page, and when all are done.
      if (phase !== 'zeros' || pages < totalPages || ++ends < 2) return;
      before = core.counters;
      abort.abort(reason);
    },
  });
  await t.rejects(dump, reason);
  t.strictSame(core.counters, before, 'nothing is read any more');
});

t.test('close() ends what runs, can be called again, and leaves nothing open', async (t) => {
  const { path } = await bundledCore();
  const core = await openVmcore(path);
  core.readPhysical(core.segments[0]!.paddr!, 100);
  const dumps = ['one', 'two'].map((name) =>
    core.dump(join(folder, name), { level: 0, onFailure: 'remove' }),
  );
  const ended = Promise.allSettled(dumps);
  await core.close();
  await core.close();
  for (const result of await ended) {
    t.match(result, { status: 'rejected', reason: { code: 'ERR_VMCORE_CLOSED' } });
  }
  t.notOk(
    readdirSync(folder).some((name) => name === 'one' || name === 'two'),
    'what was to be removed is',
  );
  t.equal(mappingsOf(path), 0);
  t.throws(() => core.readPhysical(0, 1), { code: 'ERR_VMCORE_CLOSED' });
  await t.rejects(core.dump(join(folder, 'late')), { code: 'ERR_VMCORE_CLOSED' });
});

t.test('two dumps of one core at once give the same bytes', async (t) => {
  const { path } = await bundledCore();
  const core = await openVmcore(path);
  const outputs = ['first', 'second'].map((name) => join(folder, name));
  const reports = await Promise.all(outputs.map((output) => core.dump(output, { compression: 'none' })));
  t.equal(reports[0]!.bytes, reports[1]!.bytes);
  t.equal(Buffer.compare(readFileSync(outputs[0]!), readFileSync(outputs[1]!)), 0);
  await core.close();
});
