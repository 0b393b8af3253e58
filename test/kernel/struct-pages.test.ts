// Struct pages that are absent: how far they are skipped at a time.
import t from 'tap';
import { Slots } from '../../lib/access/slots.ts';
import type { AddressSpace, WalkStep } from '../../lib/arch/arch.ts';
import { VmcoreError } from '../../lib/errors.ts';
import { type Extent, makeExtents } from '../../lib/formats/extents.ts';
import type { MemMapRange } from '../../lib/kernel/mem-map.ts';
import { StructPages } from '../../lib/kernel/struct-pages.ts';
import { PhysicalMemory } from '../../lib/memory/physical.ts';
import { VirtualMemory } from '../../lib/memory/virtual.ts';
import { FakeSource } from '../access/fake-source.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;
const vmemmap = 0xffffea0000000000n;
/** 1 GiB of memory, with 64 bytes for each of its pages. */
const range: MemMapRange = { firstPfn: 0, endPfn: 262144, address: vmemmap };
const options = { slots: 1, regionBytes: 64 * KIB, readBytes: 64 * KIB, policy: 'read' } as const;

/** Nothing is mapped below an entry of the third level. */
const unmapped: AddressSpace = {
  translate(address) {
    throw new VmcoreError('ERR_VMCORE_UNMAPPED', 'not mapped', { address });
  },
  walk: () => [step('PUD', 'table', 1024 * MIB), step('PMD', 'none', 2 * MIB)],
};

/** Pages of 2 MiB, in the order of physical memory. */
const mapped: AddressSpace = {
  translate: (address) => {
    const paddr = Number(address - vmemmap);
    return { paddr, contiguous: 2 * MIB - (paddr % (2 * MIB)) };
  },
  walk: () => [],
};

function step(level: string, kind: WalkStep['kind'], bytes: number): WalkStep {
  return { ...{ level, kind, bytes }, entryAddress: 0, index: 0, entry: 0n, target: undefined, flags: [] };
}

/** Pages of the chunks, or 0 where it comes back without one; and how many can't be read. */
function read(space: AddressSpace, memory: readonly Extent[], to = range.endPfn) {
  const extents = makeExtents(memory);
  const source = new FakeSource(16 * MIB, () => 0);
  const physical = new PhysicalMemory(source, extents, true, options, 'error');
  const virtual = new VirtualMemory(physical, space, true);
  const pages = new StructPages(virtual, extents, new Slots(source, options), 64);
  const counts = [...pages.chunks(range, 0, to)].map((chunk) => chunk?.count ?? 0);
  return { counts, unreadable: pages.unreadable };
}

t.test('as far as the entry goes that maps nothing', async (t) => {
  t.same(read(unmapped, []), { counts: new Array(8).fill(0), unreadable: 262144 });
});

t.test('as far as the core lacks memory', async (t) => {
  const there = { start: 3 * MIB, end: 3 * MIB + 64 * KIB, offset: 0 };
  const excluded = { start: 3 * MIB + 64 * KIB, end: 4 * MIB, offset: -1 };
  const { counts, unreadable } = read(mapped, [there, excluded]);
  t.same(counts.slice(0, 4), [0, 0, 1024, 0], 'to 2 MiB, to 3 MiB, what is there, what was left out');
  t.same(counts.slice(4), new Array(6).fill(0), 'behind the end of memory');
  t.equal(unreadable, 262144 - 1024);
});

t.test('no further than is asked for', async (t) => {
  t.same(read(unmapped, [], 100), { counts: [0], unreadable: 100 });
});
