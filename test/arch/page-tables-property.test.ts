// Whatever the tables hold: the walker, with all that it remembers, finds what a walk without memory finds.
import fc from 'fast-check';
import t from 'tap';
import { isVmcoreError } from '../../lib/errors.ts';
import type { PhysicalImage } from '../support/physical-image.ts';
import { address, type Machine, machine, PAGE } from './machine.ts';

const present = 1n;
const large = 0x80n;

/** The physical address, or undefined where nothing is mapped. */
function naiveWalk(memory: PhysicalImage, root: number, vaddr: bigint, levels: number): number | undefined {
  let table = root;
  for (let shift = 12 + 9 * (levels - 1); ; shift -= 9) {
    const at = table + Number((vaddr >> BigInt(shift)) & 511n) * 8;
    if (at + 8 > memory.bytes.length) return undefined;
    const entry = memory.u64(at);
    if (!(entry & present)) return undefined;
    const isLeaf = shift === 12 || (shift <= 30 && entry & large);
    const offset = (1n << BigInt(isLeaf ? shift : 12)) - 1n;
    const paddr = entry & 0x000ffffffffff000n & ~offset;
    if (isLeaf) return Number(paddr | (vaddr & offset));
    table = Number(paddr);
  }
}

function found({ space }: Machine, vaddr: bigint): number | undefined {
  try {
    return space.translate(vaddr).paddr;
  } catch (error) {
    if (isVmcoreError(error)) return undefined;
    throw error;
  }
}

// Few indexes, so that tables are shared, and some that are a multiple of the walker's slots apart.
const index = fc.constantFrom(0, 1, 2, 256, 257, 511);
const tableCount = 12;
const entry = fc.record({
  table: fc.integer({ min: 0, max: tableCount - 1 }),
  index,
  to: fc.integer({ min: 0, max: tableCount + 2 }),
  flags: fc.constantFrom(0n, present, present, present, present | large),
});

for (const levels of [4, 5] as const) {
  t.test(`${levels} levels`, async () => {
    const indexes = fc.array(index, { minLength: levels, maxLength: levels });
    const vaddrs = fc.array(fc.tuple(indexes, fc.integer({ min: 0, max: PAGE - 1 })), {
      minLength: 1,
      maxLength: 40,
    });
    const property = fc.property(
      fc.array(entry, { minLength: 30, maxLength: 80 }),
      vaddrs,
      (entries, asked) => {
        const it = machine({ levels });
        const first = it.memory.allocate(tableCount * PAGE);
        const tableAt = (number: number) => (number === 0 ? it.tables.root : first + number * PAGE);
        for (const { table, index: at, to, flags } of entries)
          it.memory.setU64(tableAt(table) + at * 8, BigInt(tableAt(to)) | flags);
        for (const [at, offset] of asked) {
          const vaddr = address(at, offset);
          const expected = naiveWalk(it.memory, it.tables.root, vaddr, levels);
          const actual = found(it, vaddr);
          if (actual !== expected) throw new Error(`${vaddr.toString(16)}: ${actual} instead of ${expected}`);
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
}
