// classify() where most struct pages are missing: their pages are kept and counted, and the event loop gets its turns.
import t from 'tap';
import { openVmcore, type ScanProgress } from '../../lib/index.ts';
import { buildKdump } from '../support/kdump-builder.ts';
import { buildKernelCore, type KernelCoreOptions } from '../support/kernel-core.ts';
import { PAGE } from '../support/physical-image.ts';

/** 1 GiB of memory, of which the core has what the kernel uses: the last of these 64 MiB. */
const shape: KernelCoreOptions = { memoryPages: 262144, imagePages: 16384 };
const vmemmap = 0xffffea0000000000n;
const structPageBytes = 262144 * 64;

/** Page frames of the struct pages, but for the first, without which there is no mem_map. */
async function structPageFrames(elf: Buffer): Promise<Set<number>> {
  await using core = await openVmcore(elf);
  const frames = new Set<number>();
  for (let at = PAGE; at < structPageBytes; at += PAGE)
    frames.add(core.translate(vmemmap + BigInt(at)) / PAGE);
  return frames;
}

/** The core as a compressed dump that was interrupted before struct pages were written. */
async function interruptedDump() {
  const { elf, memory, vmcoreinfo } = buildKernelCore(shape);
  const lost = await structPageFrames(elf);
  const frames = Array.from(
    { length: 16384 },
    (_, pfn) => [pfn, memory.bytes.subarray(pfn * PAGE, (pfn + 1) * PAGE)] as const,
  );
  const dump = buildKdump({
    maxMapnr: 262144,
    pages: new Map<number, Uint8Array | null>([...frames, [262143, null]]),
    machine: 'x86_64',
    descriptor: (pfn, at) => (lost.has(pfn) ? { offset: 0, size: 0, flags: 0 } : at),
  });
  return { dump, vmcoreinfo };
}

const { dump, vmcoreinfo } = await interruptedDump();

t.test('of an interrupted dump: they are counted, and the event loop gets its turns', async (t) => {
  await using core = await openVmcore(dump, { vmcoreinfo });
  const seen: ScanProgress[] = [];
  const { unreadable, kept, absent } = await core.classify({ onProgress: (progress) => seen.push(progress) });
  t.equal(unreadable, 262144 - 64, 'all but those of the page that is there');
  t.same([kept, absent], [16384, 1]);
  t.ok(seen.length > 2, `${seen.length} turns`);
  seen.slice(1).forEach(({ pages, totalPages }, i) => {
    if (pages <= seen[i]!.pages || pages > totalPages) t.fail(`${pages} pages after ${seen[i]!.pages}`);
  });
  t.equal(seen.at(-1)!.pages, 262144);
});

t.test('it can be interrupted', async (t) => {
  await using core = await openVmcore(dump, { vmcoreinfo });
  const controller = new AbortController();
  const { signal } = controller;
  const onProgress = () => controller.abort(new Error('enough'));
  await t.rejects(core.classify({ signal, onProgress }), { message: 'enough' });
});
