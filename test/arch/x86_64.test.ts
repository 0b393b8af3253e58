// Where the kernel's image lies, by the symbols at its beginning and end.
import t from 'tap';
import type { KernelFacts } from '../../lib/arch/arch.ts';
import { x86_64 } from '../../lib/arch/x86_64.ts';

function imageOf(symbols: Readonly<Record<string, bigint>>, physBase: number) {
  const none = () => undefined;
  const facts: KernelFacts = { symbol: (name) => symbols[name], number: none, bignum: none, address: none };
  return x86_64.kernelImage?.(facts, physBase, () => 0n);
}

t.test('the image, in whole pages of 2 MiB', async (t) => {
  const symbols = { _stext: 0xffffffff81000000n, init_top_pgt: 0xffffffff82a10000n };
  t.same(imageOf(symbols, 0x200000), {
    vaddr: 0xffffffff81000000n,
    paddr: 0x1200000,
    size: 0x1c00000,
  });
});

t.test('none is larger than its part of the address space', async (t) => {
  t.equal(imageOf({ _stext: 0xffffffff81000000n, init_top_pgt: 0xffffffffc2000000n }, 0), undefined);
});
