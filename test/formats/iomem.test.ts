import t from 'tap';
import { usedMemory } from '../../lib/formats/iomem.ts';

t.test('System RAM without what is reserved for capture kernels', async (t) => {
  const iomem = `00000000-00000fff : Reserved
00001000-0009fbff : System RAM
000a0000-000bffff : PCI Bus 0000:00
00100000-bffdbfff : System RAM
  01000000-01e00e80 : Kernel code
  2b000000-3affffff : Crash kernel
fd000000-fdffffff : 0000:00:01.0
  fd000000-fdffffff : System RAM
100000000-13fffffff : System RAM
  13f000000-13fffffff : Crash kernel
140000000-14fffffff : Persistent Memory
  140000000-14fffffff : System RAM (kmem)
`;
  t.strictSame(usedMemory(iomem), [
    { start: 0x1000, end: 0x9fc00 },
    { start: 0x100000, end: 0x2b000000 },
    { start: 0x3b000000, end: 0xbffdc000 },
    { start: 0x100000000, end: 0x13f000000 },
  ]);
});

t.test('s390x', async (t) => {
  const iomem = `00000000-7fffffff : System RAM
  00100000-00c42fff : Kernel code
  70000000-7fffffff : Crash kernel
`;
  t.strictSame(usedMemory(iomem), [{ start: 0, end: 0x70000000 }]);
});

t.test('hidden addresses tell nothing', async (t) => {
  t.strictSame(usedMemory('00000000-00000000 : Reserved\n00000000-00000000 : System RAM\n'), []);
  t.strictSame(usedMemory(''), []);
});
