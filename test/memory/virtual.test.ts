// Virtual memory: reads across pages that lie apart, integers of either byte order, strings.
import fc from 'fast-check';
import t from 'tap';
import { VirtualMemory } from '../../lib/memory/virtual.ts';
import { pattern } from '../support/elf-builder.ts';
import { FakeSpace, physicalMemory } from './fake-space.ts';

const page = 4096;
const base = 0xffff800000000000n;

/** Pages of virtual memory at these places of `bytes`, one after another from `base` on. */
function virtualMemory(bytes: Uint8Array, places: readonly number[], littleEndian = true): VirtualMemory {
  const physical = physicalMemory(bytes, [{ start: 0, end: bytes.length, offset: 0 }], littleEndian);
  const leaves = places.map((place, i): [bigint, number] => [base + BigInt(i * page), place]);
  return new VirtualMemory(physical, new FakeSpace(new Map(leaves)), littleEndian);
}

function withText(text: string | Uint8Array, at: number, length = 4 * page): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x2e);
  bytes.set(typeof text === 'string' ? Buffer.from(text) : text, at);
  return bytes;
}

t.test('any read gives the bytes of its pages in turn', async () => {
  const bytes = pattern(4 * page);
  const memory = virtualMemory(bytes, [3 * page, 0, 2 * page]);
  const all = Buffer.concat([
    bytes.subarray(3 * page),
    bytes.subarray(0, page),
    bytes.subarray(2 * page, 3 * page),
  ]);
  const offset = fc.integer({ min: 0, max: 3 * page });
  fc.assert(
    fc.property(offset, offset, (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      return all.subarray(from, to).equals(memory.bytes(base + BigInt(from), to - from));
    }),
  );
});

t.test('a read that leaves the mapped pages says where', async (t) => {
  const memory = virtualMemory(pattern(page), [0]);
  t.throws(() => memory.bytes(base + 4000n, 200), {
    code: 'ERR_VMCORE_UNMAPPED',
    address: base + BigInt(page),
  });
});

t.test('a read that leaves the 64-bit addresses is no read', async (t) => {
  const memory = virtualMemory(pattern(page), [0]);
  t.throws(() => memory.bytes(0xfffffffffffffff0n, 17), { code: 'ERR_VMCORE_ARGUMENT' });
  t.throws(() => memory.bytes(-1n, 1), { code: 'ERR_VMCORE_ARGUMENT' });
});

t.test('integers, also across pages', async (t) => {
  const bytes = new Uint8Array(2 * page);
  bytes.set([1, 2, 3, 4], 2 * page - 4);
  bytes.set([5, 6, 7, 0x88], 0);
  const at = base + BigInt(page - 4);
  const little = virtualMemory(bytes, [page, 0]);
  t.same(
    [little.u8(at), little.u16(at), little.u32(at), little.u64(at)],
    [1, 0x201, 0x4030201, 0x8807060504030201n],
  );
  const big = virtualMemory(bytes, [page, 0], false);
  t.same([big.u8(at), big.u16(at), big.u32(at), big.u64(at)], [1, 0x102, 0x1020304, 0x0102030405060788n]);
  t.equal(little.u32(base + BigInt(page)), 0x88070605, 'unsigned');
});

t.test('a string ends before its NUL', async (t) => {
  const memory = virtualMemory(withText('vmcore\0', 100), [0]);
  t.equal(memory.cstring(base + 100n), 'vmcore');
  t.equal(memory.cstring(base + 106n), '');
  t.equal(memory.cstring(base + 100n, 3), 'vmc', 'or at its limit');
  t.equal(memory.cstring(base + 100n, 6), 'vmcore');
  t.equal(memory.cstring(base + 100n, 0), '');
});

t.test('a string goes on in the next page', async (t) => {
  const bytes = withText('end\0', 0);
  bytes.set(Buffer.from('begin '), 4 * page - 6);
  t.equal(virtualMemory(bytes, [3 * page, 0]).cstring(base + BigInt(page - 6)), 'begin end');
});

t.test('a string without NUL', async (t) => {
  const memory = virtualMemory(new Uint8Array(2 * page).fill(0x78), [0, page]);
  t.equal(memory.cstring(base).length, 4096, 'ends at the limit');
  t.throws(() => memory.cstring(base + 8000n), { code: 'ERR_VMCORE_UNMAPPED' }, 'or where memory does');
});

t.test('a string that ends with the mapped memory', async (t) => {
  const memory = virtualMemory(withText('last\0', page - 5), [0]);
  t.equal(memory.cstring(base + BigInt(page - 5)), 'last');
});

t.test('a string in front of memory that the core left out', async (t) => {
  const bytes = withText('kept\0', 1000 - 5, 1000);
  const physical = physicalMemory(bytes, [{ start: 0, end: 1000, offset: 0 }]);
  const memory = new VirtualMemory(physical, new FakeSpace(new Map([[base, 0]]), 2 ** 21), true);
  t.equal(memory.cstring(base + 995n), 'kept');
  t.throws(() => memory.cstring(base + 1000n), { code: 'ERR_VMCORE_NOT_PRESENT', address: 1000 });
});

t.test('what is no UTF-8 becomes a replacement character', async (t) => {
  const memory = virtualMemory(withText(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0), 0), [0]);
  t.equal(memory.cstring(base), 'a\ufffdé');
});

t.test('a virtual address is translated to a physical one', async (t) => {
  t.equal(virtualMemory(pattern(2 * page), [page]).translate(base + 5n), page + 5);
});
