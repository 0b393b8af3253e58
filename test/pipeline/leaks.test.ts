// However a dump or a read ends, nothing of it stays: no mapping of the core beside its slots, no descriptor, no pin.
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type DumpOptions, openVmcore, type Vmcore } from '../../lib/index.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { PAGE } from '../support/physical-image.ts';
import { descriptors, mappedBytes } from './process-state.ts';
import { writeSmallCore } from './small-core.ts';

const folder = t.testdir();
const small = writeSmallCore(folder, 'core');
const output = join(folder, 'dump');
/** Small regions: a dump maps many. */
const OPTIONS = { access: 'mmap', regionBytes: 1 << 20 } as const;

/** What an open core may have: what its counters say is mapped, and one descriptor. */
function checkOpen(t: Test, core: Vmcore): void {
  t.equal(mappedBytes(core.file), core.counters.mapped, 'what is mapped is what was counted');
  t.equal(descriptors(core.file), 1);
  t.equal(descriptors(output), 0, 'the output is closed');
}

async function checkClosed(t: Test, core: Vmcore): Promise<void> {
  await core.close();
  t.equal(mappedBytes(core.file), 0);
  t.equal(core.counters.mapped, 0);
  t.equal(descriptors(core.file), 0);
}

/** Dumps once well, so that all slots have what they keep, and then so that it fails; nothing is mapped that was not before. */
async function failingDump(
  t: Test,
  fail: (core: Vmcore) => Promise<unknown>,
  expected: Error | { code: string } | { name: string },
): Promise<void> {
  const core = await openVmcore(small.path, OPTIONS);
  await core.dump('/dev/null', { level: 0, force: true });
  const before = core.counters.mapped;
  await t.rejects(fail(core), expected);
  checkOpen(t, core);
  t.equal(core.counters.mapped, before, 'as after a dump that went well');
  await checkClosed(t, core);
}

const dump = (core: Vmcore, options: DumpOptions, target = output) =>
  core.dump(target, { level: 0, compression: 'none', force: true, ...options });

/** Calls of onProgress in a whole dump. */
async function progressCalls(): Promise<number> {
  await using core = await openVmcore(small.path, OPTIONS);
  let calls = 0;
  await dump(core, { onProgress: () => calls++ }, '/dev/null');
  return calls;
}

t.test('onProgress that throws or aborts, whenever it is called', async (t) => {
  const calls = await progressCalls();
  t.ok(calls >= 3, `${calls} calls`);
  for (let nth = 1; nth <= calls; nth++) {
    const at = (act: () => void) => {
      let count = 0;
      return () => void (++count === nth && act());
    };
    const thrown = new Error(`in call ${nth}`);
    const throwing = at(() => {
      throw thrown;
    });
    await failingDump(t, (core) => dump(core, { onProgress: throwing }), thrown);
    const controller = new AbortController();
    const aborting = at(() => controller.abort());
    const aborted = (core: Vmcore) => dump(core, { onProgress: aborting, signal: controller.signal });
    if (nth < calls) await failingDump(t, aborted, { name: 'AbortError' });
  }
});

t.test('a disk that is full', (t) =>
  failingDump(t, (core) => dump(core, {}, '/dev/full'), { code: 'ERR_VMCORE_NO_SPACE' }),
);

t.test('a size limit in the middle, with the next level tried', (t) =>
  failingDump(t, (core) => dump(core, { level: undefined, levels: [0, 1], maxBytes: 4 << 20 }), {
    code: 'ERR_VMCORE_NO_SPACE',
  }),
);

t.test('a core that is cut off', beyondEmulation('sigbus'), async (t) => {
  const { path, memory, offset } = writeSmallCore(folder, 'truncated');
  const core = await openVmcore(path, OPTIONS);
  truncateSync(path, offset + memory.length / 2);
  await t.rejects(dump(core, {}), { code: 'ERR_VMCORE_FAULT' });
  t.ok(mappedBytes(path) <= core.counters.mapped, 'pages of zeros lie in the place of what was lost');
  t.equal(descriptors(path), 1);
  await checkClosed(t, core);
});

t.test('close() in the middle of a dump', async (t) => {
  const core = await openVmcore(small.path, OPTIONS);
  let closing: Promise<void> | undefined;
  const onProgress = () => {
    closing ??= core.close();
  };
  await t.rejects(dump(core, { onProgress }), { code: 'ERR_VMCORE_CLOSED' });
  await closing;
  t.equal(descriptors(output), 0);
  await checkClosed(t, core);
});

t.test('a window whose user throws is no longer pinned: its slot can be used again', async (t) => {
  const core = await openVmcore(small.path, { ...OPTIONS, slots: 1 });
  const thrown = new Error('by the user');
  const failing = () => {
    throw thrown;
  };
  t.throws(() => core.withWindow(0, PAGE, failing), thrown);
  const mapped = core.counters.mapped;
  for (let mib = 0; mib < 16; mib++) {
    const paddr = mib << 20;
    t.throws(() => core.withWindow(paddr, PAGE, failing), thrown);
    t.same(core.readPhysical(paddr, 16), small.memory.subarray(paddr, paddr + 16));
  }
  t.ok(core.counters.mapped <= mapped + OPTIONS.regionBytes, 'one region at a time');
  checkOpen(t, core);
  await checkClosed(t, core);
});

t.test('a write of a window whose bytes are lost, which the kernel refuses', async (t) => {
  const { path, memory, offset } = writeSmallCore(folder, 'lost');
  const core = await openVmcore(path, OPTIONS);
  const lost = memory.length / 2 + (1 << 20);
  truncateSync(path, offset + memory.length / 2);
  const fd = openSync(join(folder, 'written'), 'w');
  const write = (bytes: Uint8Array) => writeSync(fd, bytes);
  t.throws(() => core.withWindow(lost, PAGE, write), { code: 'ERR_VMCORE_FAULT', cause: { code: 'EFAULT' } });
  closeSync(fd);
  checkOpen(t, core);
  await checkClosed(t, core);
});

t.test('a core that is no core', async (t) => {
  const path = join(folder, 'short');
  writeSmallCore(folder, 'short');
  truncateSync(path, 1000);
  await t.rejects(openVmcore(path), { code: 'ERR_VMCORE_TRUNCATED' });
  t.equal(descriptors(path), 0);
  t.equal(mappedBytes(path), 0);
});
