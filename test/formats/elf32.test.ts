import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { pattern } from '../support/elf-builder.ts';
import { buildElf32 } from '../support/memory-dumps.ts';

const PAGE = 4096;

for (const littleEndian of [true, false]) {
  t.test(`ELF cores of 32 bits, ${littleEndian ? 'little' : 'big'}-endian`, async (t) => {
    const low = { paddr: 0x1000, data: pattern(2 * PAGE, 1) };
    const high = { paddr: 0xfffff000, data: pattern(PAGE, 2) };
    const file = buildElf32([low, high], littleEndian);
    await using core = await openVmcore(file);
    t.match(core, {
      format: 'elf32',
      littleEndian,
      maxPfn: 0x100000,
      segments: [{ vaddr: 0xc0001000n }, {}],
    });
    t.same(core.readPhysical(0x1000, 2 * PAGE), low.data);
    t.same(core.readPhysical(0xfffff000, PAGE), high.data);
    t.throws(() => core.readPhysical(0x3000, 1), { code: 'ERR_VMCORE_NOT_PRESENT' });
    await t.rejects(openVmcore(file.subarray(0, file.length - 1)), { code: 'ERR_VMCORE_TRUNCATED' });
  });
}
