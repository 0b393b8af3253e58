// Physical memory: what segments give, across their borders, and where they give nothing.
import t from 'tap';
import { pattern } from '../support/elf-builder.ts';
import { physicalMemory } from './fake-space.ts';

const bytes = pattern(40000);

t.test('a read crosses ranges that lie apart in the file, and regions', async (t) => {
  const memory = physicalMemory(bytes, [
    { start: 0x10000, end: 0x12000, offset: 100 },
    { start: 0x12000, end: 0x14000, offset: 20000 },
  ]);
  const expected = Buffer.concat([
    bytes.subarray(100 + 0x1ff0, 100 + 0x2000),
    bytes.subarray(20000, 20000 + 0x1010),
  ]);
  t.same(Buffer.from(memory.read(0x11ff0, new Uint8Array(0x1020))), expected);
});

t.test('memory without data reads as zeros', async (t) => {
  const memory = physicalMemory(bytes, [
    { start: 0, end: 16, offset: 0 },
    { start: 16, end: 32, offset: -1 },
    { start: 32, end: 48, offset: 32 },
  ]);
  const read = memory.read(8, new Uint8Array(32).fill(0xff));
  t.same([...read], [...bytes.subarray(8, 16), ...new Uint8Array(16), ...bytes.subarray(32, 40)]);
});

t.test('the first byte that is not there is named', async (t) => {
  const memory = physicalMemory(bytes, [
    { start: 0x1000, end: 0x2000, offset: 0 },
    { start: 0x3000, end: 0x4000, offset: 0x1000 },
  ]);
  const missing = (paddr: number, length: number, address: number) =>
    t.throws(() => memory.read(paddr, new Uint8Array(length)), { code: 'ERR_VMCORE_NOT_PRESENT', address });
  missing(0, 8, 0);
  missing(0x1ff8, 16, 0x2000);
  missing(0x2800, 8, 0x2800);
  missing(0x3ffc, 8, 0x4000);
  missing(2 ** 50, 1, 2 ** 50);
  t.equal(memory.read(0x2800, new Uint8Array(0)).length, 0, 'nothing is everywhere');
});

t.test('a page of which the core holds part is filled up with zeros', async (t) => {
  const memory = physicalMemory(bytes, [
    { start: 0x1100, end: 0x1200, offset: 0 },
    { start: 0x1300, end: 0x2080, offset: 0x1000 },
  ]);
  const page = new Uint8Array(4096);
  page.set(bytes.subarray(0, 0x100), 0x100);
  page.set(bytes.subarray(0x1000, 0x1d00), 0x300);
  t.same(Buffer.from(memory.readPage(0x1000, new Uint8Array(4096).fill(0xff))), Buffer.from(page));
  t.throws(() => memory.readPage(0x3000, new Uint8Array(4096)), { code: 'ERR_VMCORE_NOT_PRESENT' });
});

t.test('words are in the byte order of the dead machine', async (t) => {
  const word = [1, 2, 3, 4, 5, 6, 7, 8];
  const memory = (littleEndian: boolean) =>
    physicalMemory(Uint8Array.from(word), [{ start: 0, end: 8, offset: 0 }], littleEndian);
  t.equal(memory(true).u64(0), 0x0807060504030201n);
  t.equal(memory(false).u64(0), 0x0102030405060708n);
});
