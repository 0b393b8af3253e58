import t from 'tap';
import { readUtsname } from '../../lib/kernel/utsname.ts';
import { FakeMemory, utf8, vmcoreinfo } from './printk/fake-memory.ts';

const strings = ['Linux', 'node', '6.1.0', '#1 SMP grüße', 'x86_64', 'x'.repeat(65)];

function memoryWith(vaddr: bigint): FakeMemory {
  const memory = new FakeMemory(true);
  const { buffer } = memory.add(vaddr, 390);
  for (const [i, text] of strings.entries()) new Uint8Array(buffer).set(utf8(text), i * 65);
  return memory;
}

t.test('where it lies, by what VMCOREINFO exports', async (t) => {
  const symbol = 0xffffffff81000000n;
  const expected = {
    sysname: 'Linux',
    nodename: 'node',
    release: '6.1.0',
    version: '#1 SMP grüße',
    machine: 'x86_64',
    domainname: 'x'.repeat(65),
  };
  const cases: [number, Record<string, bigint | number>][] = [
    [16, { 'SYMBOL(init_uts_ns)': symbol, 'OFFSET(uts_namespace.name)': 16 }],
    [0, { 'SYMBOL(init_uts_ns)': symbol, 'OFFSET(uts_namespace.name)': 0 }],
    [4, { 'SYMBOL(init_uts_ns)': symbol }],
    [0, { 'SYMBOL(system_utsname)': symbol }],
  ];
  for (const [offset, lines] of cases) {
    const { raw, ...fields } = readUtsname(memoryWith(symbol + BigInt(offset)), vmcoreinfo(lines));
    t.strictSame(fields, expected);
    t.equal(raw.length, 390);
    t.strictSame(raw.subarray(65, 70), utf8('node\0'));
  }
});

t.test('errors have codes', async (t) => {
  const memory = new FakeMemory(true);
  t.throws(() => readUtsname(memory, vmcoreinfo({})), { code: 'ERR_VMCORE_NO_VMCOREINFO' });
  const info = vmcoreinfo({ 'SYMBOL(init_uts_ns)': 0xffffffff81000000n });
  t.throws(() => readUtsname(memory, info), { code: 'ERR_VMCORE_NOT_PRESENT' });
});
